/** General-purpose inputs, by the number that the kernel gives a line: the base of its chip and its place on the chip. */
export interface GpioInputs {
  /** Throws EnvironmentFault: `no-gpio` (no library, no such line), `line-taken`, `no-privilege`. */
  open(line: number, options: GpioInputOptions): Promise<GpioInput>;
}

export interface GpioInputOptions {
  edge: GpioEdge;
  /** An edge is told when the level was quiet for so long; 0: at once. */
  debounceMs: number;
  /** Called at each edge with the level after it. */
  onEdge: (level: 0 | 1) => void;
}

export type GpioEdge = 'rising' | 'falling' | 'both';

export interface GpioInput {
  read(): Promise<0 | 1>;
  close(): void;
}

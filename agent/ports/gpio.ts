/** General-purpose lines, by the number that the kernel gives them: the base of the chip and the place on the chip. */
export type GpioLevel = 0 | 1;

export interface GpioInputs {
  /** Throws EnvironmentFault: `no-gpio` (no library, no such line), `line-taken`, `no-privilege`. */
  open(line: number, options: GpioInputOptions): Promise<GpioInput>;
}

export interface GpioInputOptions {
  edge: GpioEdge;
  /** An edge is told when the level was quiet for so long; 0: at once. */
  debounceMs: number;
  /** Called at each edge with the level after it. */
  onEdge: (level: GpioLevel) => void;
}

export type GpioEdge = 'rising' | 'falling' | 'both';

export interface GpioInput {
  read(): Promise<GpioLevel>;
  close(): void;
}

export interface GpioOutputs {
  /**
   * Opens the line as an output that has this level from the first moment, without the other one in between.
   * Throws as GpioInputs.open does.
   */
  openOutput(line: number, level: GpioLevel): Promise<GpioOutput>;
}

export interface GpioOutput {
  /** The level on the wire. */
  read(): Promise<GpioLevel>;
  write(level: GpioLevel): Promise<void>;
  /** Ends using it. The kernel drives the line on at its last level: one that is given back would float. */
  leave(): void;
}

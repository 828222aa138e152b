/** What the kernel tells of buttons and switches, through its character devices (/dev/input/event*). */
export interface InputEvents {
  /**
   * Follows one device until `close`. `onBytes` is given whole and broken `struct input_event`s as they come, `onEnd`
   * is called when the device is gone. Throws EnvironmentFault: `device-gone`, `no-privilege`, `no-command`.
   */
  follow(path: string, onBytes: (bytes: Uint8Array) => void, onEnd: () => void): Promise<{ close(): void }>;
  /** Of the kernel's `long` as this process sees it: it decides how large an event is. */
  readonly wordBytes: 4 | 8;
  readonly littleEndian: boolean;
}

/** What does not change while the board runs. Found out once, on the first call. */
export interface BoardFacts {
  /** `Raspberry Pi 4 Model B Rev 1.4`; null where the board does not say. */
  model(): Promise<string | null>;
  /** `Debian GNU/Linux 13 (trixie)`; null where the system does not say. */
  os(): Promise<string | null>;
}

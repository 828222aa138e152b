/** Ordinary files that the signed config names. */
export interface TextFiles {
  /** The whole text. Throws EnvironmentFault: `no-file`, `no-privilege`, `file-too-large`, `read-failed`. */
  read(path: string): Promise<string>;
}

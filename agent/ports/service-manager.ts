/** What starts this process and watches over it (systemd): it is told what the agent is at, and that it is alive. */
export interface ServiceManager {
  /** How long it waits for a sign of life before it starts the agent anew; null: it does not watch. */
  readonly watchdogMs: number | null;
  /** The agent serves its control API; whether it is on its network is another matter. */
  ready(): void;
  /** One line for people (`systemctl status`). */
  status(line: string): void;
  /** A sign of life. */
  alive(): void;
  stopping(): void;
}

/** A CliIo that keeps what was printed. */
import type { CliIo } from '../../agent/cli/cli-io.ts';

export class RecordedIo implements CliIo {
  readonly isTerminal = false;
  readonly stop = new AbortController();
  readonly signal = this.stop.signal;
  stdout = '';
  stderr = '';

  readonly out = (text: string): void => {
    this.stdout += text;
  };

  readonly err = (text: string): void => {
    this.stderr += text;
  };
}

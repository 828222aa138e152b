/** A CliIo that keeps what was printed. */
import type { CliIo } from '../../agent/cli/cli-io.ts';

export class RecordedIo implements CliIo {
  isTerminal = false;
  readonly size = () => ({ columns: 80, rows: 24 });
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

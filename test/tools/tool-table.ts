/** The table endpoint × tool × result of one run. */
import Table from 'cli-table3';

export interface ToolRow {
  endpoint: string;
  tool: string;
  result: string;
  failed: boolean;
}

/** Of a stack or a log the line that says what was wrong. */
function sentenceIn(text: string): string {
  const lines = text.split('\n').map((line) => line.trim());
  return lines.find((line) => /^\w*Error\b|\w+\.\w+: /.test(line)) ?? lines[0] ?? '';
}

export class ToolTable {
  readonly rows: ToolRow[] = [];

  /** Runs one tool, unless `missing` says why it cannot be; what `run` throws is a failure. */
  async add(
    endpoint: string,
    tool: string,
    missing: string | null,
    run: () => Promise<string>,
  ): Promise<void> {
    if (missing !== null) {
      this.rows.push({ endpoint, tool, result: `left out: ${missing}`, failed: false });
      return;
    }
    try {
      this.rows.push({ endpoint, tool, result: await run(), failed: false });
    } catch (error) {
      const problem = sentenceIn(error instanceof Error ? error.message : String(error));
      this.rows.push({ endpoint, tool, result: `FAILED: ${problem}`, failed: true });
    }
  }

  text(): string {
    const table = new Table({ head: ['endpoint', 'tool', 'result'], style: { head: [], border: [] } });
    for (const { endpoint, tool, result } of this.rows) table.push([endpoint, tool, result]);
    return table.toString();
  }
}

/** A LinkTable whose links come up and go down when the test says so. */
import type { LinkReport } from '../../agent/ports/agent-control.ts';
import type { LinkCondition, LinkTable } from '../../agent/ports/link-table.ts';
import type { Membership } from '../../agent/ports/member-directory.ts';
import type { SendResult } from '../../agent/ports/peer-transport.ts';

export class FakeLinkTable implements LinkTable {
  readonly sent: Array<{ slot: number; frame: Uint8Array }> = [];
  requests = 0;
  result: SendResult = 'sent';
  readonly #members: Membership[] = [];
  readonly #state = new Map<number, boolean>();
  #up: (slot: number) => void = () => undefined;
  #down: (slot: number, reason: string) => void = () => undefined;
  #frame: (slot: number, frame: Uint8Array) => void = () => undefined;

  request(member: Membership): number {
    this.requests++;
    const found = this.#members.findIndex((other) => other.nodeId === member.nodeId);
    const slot = found >= 0 ? found : this.#members.push(member) - 1;
    if (!this.#state.has(slot)) this.#state.set(slot, false);
    return slot;
  }

  bringUp(slot: number): void {
    this.#state.set(slot, true);
    this.#up(slot);
  }

  takeDown(slot: number): void {
    this.#state.delete(slot);
    this.#down(slot, 'test');
  }

  arrive(slot: number, frame: Uint8Array): void {
    this.#frame(slot, frame);
  }

  /** What frameLimit answers. */
  readonly limits = new Map<number, { bytes: number; settled: boolean }>();

  isUp(slot: number): boolean | null {
    return this.#state.get(slot) ?? null;
  }

  memberAt(slot: number): Membership | null {
    return this.#members[slot] ?? null;
  }

  upSlots(): number[] {
    return [...this.#state].filter(([, up]) => up).map(([slot]) => slot);
  }

  sendFrame(slot: number, frame: Uint8Array): SendResult {
    if (this.result === 'sent') this.sent.push({ slot, frame });
    return this.result;
  }

  frameLimit(slot: number): { bytes: number; settled: boolean } | null {
    return this.limits.get(slot) ?? null;
  }

  /** What condition answers. */
  readonly conditions = new Map<number, LinkCondition>();

  condition(slot: number): LinkCondition {
    return this.conditions.get(slot) ?? 'steady';
  }

  onUp(listener: (slot: number) => void): void {
    this.#up = listener;
  }

  onDown(listener: (slot: number, reason: string) => void): void {
    this.#down = listener;
  }

  onFrame(listener: (slot: number, frame: Uint8Array) => void): void {
    this.#frame = listener;
  }

  reports(): LinkReport[] {
    return [];
  }
}

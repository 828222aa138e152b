/** An LED in a tree of files that stands in for /sys/class, and an agent that sees no other. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { expect } from 'vitest';
import type { Member } from './member.ts';

/** A killed peer is noticed within 10 s; this is for slow machines. */
const LOST_MS = 40_000;

/** One LED, as files; a plain file keeps its length, so the names of its triggers have the same. */
export class FakeLed {
  readonly classes: string;
  readonly #folder: string;

  constructor(directory: string) {
    this.classes = join(directory, 'sys-class');
    this.#folder = join(this.classes, 'leds', 'relay');
    mkdirSync(this.#folder, { recursive: true });
    this.#write('max_brightness', '1');
    this.#write('brightness', '1');
    this.#write('trigger', 'mmc0');
  }

  is(file: 'brightness' | 'trigger'): string {
    return readFileSync(join(this.#folder, file), 'utf8').trim();
  }

  async until(brightness: string, timeoutMs = LOST_MS): Promise<void> {
    const deadline = performance.now() + timeoutMs;
    while (this.is('brightness') !== brightness && performance.now() < deadline) await sleep(50);
    expect(this.is('brightness')).toBe(brightness);
  }

  #write(file: string, text: string): void {
    writeFileSync(join(this.#folder, file), `${text}\n`);
  }
}

/** Starts the agent with that LED, and no sensor of this machine's own in /sys/class. */
export function startWithLed(member: Member, led: FakeLed, ...extra: string[]): void {
  const script = `mount --bind "$0" /sys/class && exec "$@"`;
  member.start(extra, ['unshare', '--mount', 'sh', '-c', script, led.classes]);
}

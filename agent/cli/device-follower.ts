/**
 * Follows the readings of one device for as long as it is wanted: its stream of server-sent events, resumed after what
 * was received last, with a growing pause between attempts. What the device sends is bounded and checked.
 */
import type { IncomingMessage } from 'node:http';
import { createParser, type EventSourceMessage } from 'eventsource-parser';
import type { Reading } from '../../sensors/reading.ts';
import { servedReading } from '../../sensors/services/served-reading.ts';
import { systemClock } from '../adapters/system-clock.ts';
import { check } from '../control/schema-check.ts';
import { EnvironmentFault, sentenceOf } from '../errors.ts';
import { jsonIn } from './answer-text.ts';
import { faultOf, openOverlay } from './overlay-request.ts';

/** What becomes of a device, in the order in which it happens. */
export interface DeviceNews {
  /** It answers; the readings come now. */
  connected(): void;
  reading(reading: Reading): void;
  /** It was started anew: what is known of it may not be there any more. */
  restarted(): void;
  /** Why nothing comes any more; told at each attempt that fails. */
  lost(problem: string): void;
}

/** A link over TURN on another continent needs some seconds to come up. */
const ANSWER_WITHIN_MS = 10_000;
/** Devices send a ping every 15 s. */
const SILENCE_MS = 20_000;
const PAUSE_MS = { first: 1_000, most: 30_000 };
/** Without the end of an event: a reading has half a kilobyte. */
const MOST_UNFINISHED_CHARACTERS = 65_536;
const EVENT_ID = /^[\x21-\x7e]{1,128}$/;

export class DeviceFollower {
  readonly #url: URL;
  readonly #news: DeviceNews;
  readonly #signal: AbortSignal;
  #lastId: string | null = null;
  #unfinished = 0;
  #pauseMs = PAUSE_MS.first;

  constructor(base: string, news: DeviceNews, signal: AbortSignal) {
    this.#url = new URL('/events', base);
    this.#news = news;
    this.#signal = signal;
  }

  /** Resolves when the signal aborts. Never throws. */
  async run(): Promise<void> {
    while (!this.#signal.aborted) {
      const problem = await this.#follow().then(
        () => 'it ended the stream',
        (error: unknown) => sentenceOf(faultOf(error, this.#signal)),
      );
      if (this.#signal.aborted) return;
      this.#news.lost(problem);
      await pause(this.#pauseMs * (0.75 + Math.random() / 2), this.#signal);
      this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_MS.most);
    }
  }

  async #follow(): Promise<void> {
    const headers = {
      accept: 'text/event-stream',
      ...(this.#lastId === null ? {} : { 'last-event-id': this.#lastId }),
    };
    const incoming = await openOverlay({
      url: this.#url,
      headers,
      limitMs: ANSWER_WITHIN_MS,
      signal: this.#signal,
    });
    if (!/^text\/event-stream\b/.test(incoming.headers['content-type'] ?? '')) {
      incoming.destroy();
      throw new EnvironmentFault('bad-answer', 'what it serves is no Tincan (no stream of events)');
    }
    this.#news.connected();
    await this.#receive(incoming);
  }

  async #receive(incoming: IncomingMessage): Promise<void> {
    incoming.setEncoding('utf8');
    incoming.setTimeout(SILENCE_MS, () => {
      incoming.destroy(new EnvironmentFault('silent', `it fell silent for ${SILENCE_MS / 1000} s`));
    });
    this.#unfinished = 0;
    const parser = createParser({ onEvent: (event) => this.#take(event) });
    for await (const chunk of incoming) {
      if (typeof chunk !== 'string') continue;
      this.#unfinished += chunk.length;
      parser.feed(chunk);
      if (this.#unfinished <= MOST_UNFINISHED_CHARACTERS) continue;
      throw new EnvironmentFault('bad-answer', 'what it serves is no Tincan (an event without end)');
    }
  }

  #take({ event, id, data }: EventSourceMessage): void {
    this.#unfinished = 0;
    this.#pauseMs = PAUSE_MS.first;
    if (id !== undefined && EVENT_ID.test(id)) {
      if (this.#lastId !== null && instanceOf(id) !== instanceOf(this.#lastId)) this.#news.restarted();
      this.#lastId = id;
    }
    if (event !== undefined && event !== 'message') return;
    const checked = check(servedReading, jsonIn(data));
    if (!checked.ok) {
      const problem = `what it serves is no Tincan of this version (${checked.sentence})`;
      throw new EnvironmentFault('bad-answer', problem);
    }
    this.#news.reading(checked.value);
  }
}

/** `k3v9x2.17` was given by the run `k3v9x2` of the device's agent. */
function instanceOf(id: string): string {
  return id.replace(/\.?\d+$/, '');
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = (): void => {
      timer.cancel();
      signal.removeEventListener('abort', end);
      resolve();
    };
    const timer = systemClock.after(ms, end);
    signal.addEventListener('abort', end);
  });
}

import { setImmediate as yieldToEvents, setTimeout as delay } from 'node:timers/promises';
import { LoginCounter, type LoginAnswer } from './logins-answer.js';
import type { LoginOptions } from './logins-options.js';
import { generateLogins, type LoginMessage } from './logins.js';

/** Where messages go. */
export interface LoginSink {
  /** Takes a message; a promise when the next one should wait for it. */
  readonly write: (message: LoginMessage) => Promise<void> | undefined;
  /** Resolves when everything is where it should be. */
  readonly flush: () => Promise<void>;
}

export interface LoginRun {
  /** Messages arrive at their own time by this clock, epoch milliseconds; without it as fast as they can be made. */
  readonly now?: () => number;
  readonly signal: AbortSignal;
  /** Told what is known of the answer, line by line. */
  readonly onAnswer?: (lines: readonly LoginAnswer[]) => Promise<void> | void;
  readonly onProgress?: (messages: number) => void;
}

export interface GeneratedLogins {
  readonly outcome: 'finished' | 'stopped';
  readonly messages: number;
}

/** Live messages are sent this often, ms. */
const LIVE_FLUSH_MS = 20;
/** Between two looks at the signal, the answer and the event loop. */
const CHECK_MESSAGES = 1_000;

/** Makes messages and writes them. Once the signal aborts nothing follows; the answer is to what was written. */
export async function writeLogins(
  options: LoginOptions,
  sink: LoginSink,
  { now, signal, onAnswer, onProgress }: LoginRun,
): Promise<GeneratedLogins> {
  const counter = onAnswer && new LoginCounter(options.partitions);
  let messages = 0;
  for (const message of generateLogins(options)) {
    const aheadMs = now === undefined ? 0 : message.atMs - now();
    if (aheadMs > 0) await pause(sink, Math.max(aheadMs, LIVE_FLUSH_MS), signal);
    if (aheadMs > 0 || messages % CHECK_MESSAGES === 0) {
      onProgress?.(messages);
      if (counter) await onAnswer?.(counter.close(message.atMs));
      await yieldToEvents();
      if (signal.aborted) break;
    }
    await sink.write(message);
    counter?.add(message);
    messages++;
  }
  await sink.flush();
  if (counter) await onAnswer?.(counter.finish());
  return { outcome: signal.aborted ? 'stopped' : 'finished', messages };
}

async function pause(sink: LoginSink, ms: number, signal: AbortSignal): Promise<void> {
  await sink.flush();
  await delay(ms, undefined, { signal }).catch((error: unknown) => {
    if (!signal.aborted) throw error;
  });
}

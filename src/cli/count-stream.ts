import { performance } from 'node:perf_hooks';
import type { ScannedLines } from '../core/scanned-lines.js';
import { UniquesMerge } from '../core/uniques-merge.js';
import type { UniqueUsersResult } from '../core/uniques-result.js';
import type { CountRules } from '../core/count-rules.js';
import { UniquesSlice, type RejectedFrame } from '../core/uniques-slice.js';
import type { FrameTally } from '../core/uniques-tally.js';
import type { FrameInput } from './count-input.js';

/** Lines between two flushes: a commit interval of the stream engine, here without a commit. */
const FLUSH_LINES = 65_536;
const FLUSH_MS = 1_000;
/** Sparse frames open a window every few: this many new ones are enough to let those that are done leave memory. */
const FLUSH_WINDOWS = 512;

export interface CountStreamOptions {
  readonly input: FrameInput;
  readonly rules: CountRules;
  /** Milliseconds between provisional results; 0 for none. */
  readonly provisionalMs: number;
  readonly nowMs: () => number;
  /** Takes results; what it returns is awaited before more input is read. */
  readonly emit: (results: readonly UniqueUsersResult[]) => Promise<void>;
  readonly reject: (frame: RejectedFrame) => void;
  /** Awaited before more input is read, so that rejected frames do not pile up. */
  readonly ready: () => Promise<void>;
  /** Told at every flush how many lines and bytes were read. */
  readonly progress: (lines: number, readBytes: number) => void;
  /** Ends the count early: what is known then is given as provisional. */
  readonly signal: AbortSignal;
}

export interface CountSummary {
  readonly tally: FrameTally;
  readonly elapsedMs: number;
  readonly interrupted: boolean;
}

/** Counts one input from its first line to its last, without any service: both stages of a job, one partition, one slice. */
export async function countStream(options: CountStreamOptions): Promise<CountSummary> {
  const { input, rules, emit, signal } = options;
  const slice = new UniquesSlice([0], rules, options.reject);
  const merge = new UniquesMerge([0], rules);
  let read = 0;
  let flushed = 0;
  let keptWindows = 0;
  let flushedMs = performance.now();
  let provisionalMs = flushedMs;
  const startedMs = flushedMs;
  let sending = Promise.resolve();

  const flush = (withChanges: boolean): void => {
    merge.apply(
      '0',
      slice.share((window, counts) => merge.applyShared('0', window, counts)),
    );
    flushed = read;
    keptWindows = slice.openWindows;
    flushedMs = performance.now();
    const isProvisionalDue = options.provisionalMs > 0 && flushedMs - provisionalMs >= options.provisionalMs;
    if (isProvisionalDue) provisionalMs = flushedMs;
    const results = merge.results(options.nowMs(), withChanges || isProvisionalDue);
    if (results.length > 0) sending = sending.then(() => emit(results));
    options.progress(read, input.readBytes());
  };
  const isDue = (): boolean =>
    read - flushed >= FLUSH_LINES ||
    slice.openWindows - keptWindows >= FLUSH_WINDOWS ||
    performance.now() - flushedMs >= FLUSH_MS;
  // A pause in the input must not hold back what was counted before it.
  const timer = setInterval(() => {
    if (read > flushed && performance.now() - flushedMs >= FLUSH_MS) flush(false);
  }, FLUSH_MS);
  try {
    for await (const lines of untilAborted(input.lines, signal)) {
      // Numbers of lines count from 1.
      slice.lines(0, read + 1, lines);
      read += lines.count;
      if (isDue()) flush(false);
      await sending;
      await options.ready();
    }
  } finally {
    clearInterval(timer);
  }
  if (!signal.aborted) slice.end(0);
  flush(true);
  await sending;
  return { tally: slice.tally, elapsedMs: performance.now() - startedMs, interrupted: signal.aborted };
}

/** The lines up to the moment the signal comes, even while waiting for some. */
async function* untilAborted(
  lines: AsyncIterable<ScannedLines>,
  signal: AbortSignal,
): AsyncIterable<ScannedLines> {
  const iterator = lines[Symbol.asyncIterator]();
  try {
    while (!signal.aborted) {
      const next = await orAborted(iterator.next(), signal);
      if (next === undefined || next.done === true) return;
      yield next.value;
    }
  } finally {
    // Not awaited: a pipe that brings nothing answers nobody, and what is thrown now has no reader any more.
    iterator.return?.().catch(() => undefined);
  }
}

/** What `pending` comes to, or undefined once the signal comes. Promise.race would keep every result until then. */
function orAborted<T>(pending: Promise<T>, signal: AbortSignal): Promise<T | undefined> {
  return new Promise((resolve, reject) => {
    const stop = (): void => resolve(undefined);
    signal.addEventListener('abort', stop, { once: true });
    void pending.then(resolve, reject).then(() => signal.removeEventListener('abort', stop));
  });
}

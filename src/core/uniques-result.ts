import type { UniqueSketch } from './hyperloglog.js';
import type { ResultStatus } from './result-status.js';
import { isoSeconds, type Window, type WindowKind } from './window.js';

/** One count of one window, plain JSON: the value of a record of `unique-users`. */
export interface UniqueUsersResult {
  readonly window: WindowKind;
  /** First instant, included, on a whole second: `2016-07-11T13:39:00Z`. */
  readonly start: string;
  /** End, excluded. */
  readonly end: string;
  /** Which field was counted; absent when only one is. */
  readonly field?: string;
  readonly users: number;
  /** Relative standard error of `users`; 0 while it is exact. */
  readonly error: number;
  readonly frames: number;
  readonly status: ResultStatus;
  /** 0 until a final result is changed by late frames, then 1, 2, ... */
  readonly revision: number;
  readonly emittedAt: string;
}

export interface ResultState {
  readonly window: Window;
  readonly field: string | undefined;
  readonly sketch: UniqueSketch;
  readonly frames: number;
  readonly status: ResultStatus;
  readonly revision: number;
  readonly nowMs: number;
}

export function toResult(state: ResultState): UniqueUsersResult {
  return {
    window: state.window.kind,
    start: isoSeconds(state.window.startMs),
    end: isoSeconds(state.window.endMs),
    ...(state.field === undefined ? {} : { field: state.field }),
    users: state.sketch.count,
    error: Number(state.sketch.error.toFixed(4)),
    frames: state.frames,
    status: state.status,
    revision: state.revision,
    emittedAt: new Date(state.nowMs).toISOString(),
  };
}

/** Key in Kafka, so that a compacted topic keeps the newest revision: `minute/2016-07-11T13:39:00Z`, then `/field` if there is one. */
export const resultKey = (result: Pick<UniqueUsersResult, 'window' | 'start' | 'field'>): string =>
  `${result.window}/${result.start}${result.field === undefined ? '' : `/${result.field}`}`;

import { createHash } from 'node:crypto';
import { DEFAULT_COUNT_RULES, type CountRules } from '../../../src/core/count-rules.js';
import { UniquesSlice } from '../../../src/core/uniques-slice.js';
import { UniquesMerge } from '../../../src/core/uniques-merge.js';
import { resultKey, type UniqueUsersResult } from '../../../src/core/uniques-result.js';
import { decodeCounts, encodeCounts, type StateRecord } from '../../../src/core/uniques-state.js';
import { isoSeconds, WINDOW_KINDS, windowAt } from '../../../src/core/window.js';

/** A frame as a test says it: seconds and user. */
export type Frame = readonly [atS: number, user: string];

/** A result without what may differ between two right runs. */
export type Answer = Pick<UniqueUsersResult, 'users' | 'error' | 'frames'> & { readonly end: string };

export interface Run {
  readonly answers: Map<string, Answer>;
  readonly newest: Map<string, UniqueUsersResult>;
  readonly results: UniqueUsersResult[];
  readonly rejected: string[];
  /** Digest of each window's state: what the slices wrote last, merged. */
  readonly states: Map<string, string>;
}

export interface Plan {
  readonly rules?: CountRules;
  /** Which partitions each slice reads. */
  readonly slices?: readonly (readonly number[])[];
  /** After how many frames a slice is snapshot; the next size is taken in turn. */
  readonly flushes?: readonly number[];
  /** Snapshots after which the slice (or, for the merge, everything) is thrown away and restored. */
  readonly restartAt?: ReadonlySet<number>;
}

const encode = (text: string): Uint8Array => new TextEncoder().encode(text);
export const frameText = ([atS, user]: Frame): string => `{"uid":${JSON.stringify(user)},"ts":${atS}}`;

/** Counts partitions of frames by the two stages, as the stream engine would: flush, commit, merge. */
export function count(partitions: readonly (readonly (Frame | string)[])[], plan: Plan = {}): Run {
  const rules = plan.rules ?? DEFAULT_COUNT_RULES;
  const run: Run = { answers: new Map(), newest: new Map(), results: [], rejected: [], states: new Map() };
  const mergeRecords = new Map<string, StateRecord>();
  const ids = partitions.map((_, id) => id);
  let merge = new UniquesMerge(ids, rules);
  let step = 0;
  const keep = (into: Map<string, StateRecord>, records: readonly StateRecord[]): void => {
    for (const record of records) into.set(record.key, record);
  };
  const emit = (withChanges: boolean): void => {
    const results = merge.results(step * 1000, withChanges);
    run.results.push(...results);
    for (const result of results) run.newest.set(resultKey(result), result);
    const records = merge.snapshot();
    for (const { key, value } of records) {
      if (key.startsWith('window/') && value !== null)
        run.states.set(key, Buffer.from(value).toString('hex'));
    }
    keep(mergeRecords, records);
    if (plan.restartAt?.has(step) === true) {
      merge = new UniquesMerge(ids, rules);
      merge.restore(mergeRecords.values());
    }
  };
  const slices = (plan.slices ?? [ids]).map((own, s) => {
    const reject = (frame: { partition: number; offset: number; reason: string }): void => {
      run.rejected.push(`${frame.partition}/${frame.offset}:${frame.reason}`);
    };
    return {
      name: String(s),
      ids: own,
      reject,
      slice: new UniquesSlice(own, rules, reject),
      records: new Map<string, StateRecord>(),
      windows: new Map<string, Uint8Array>(),
    };
  });
  const flush = (at: (typeof slices)[number]): void => {
    const { reports, state } = at.slice.snapshot();
    keep(at.records, state);
    for (const { key, value } of reports) {
      if (key.startsWith('window/') && value !== null) at.windows.set(key, value);
    }
    if (plan.restartAt?.has(step) === true) {
      at.slice = new UniquesSlice(at.ids, rules, at.reject);
      at.slice.restore(at.records.values());
      // What a restarted slice reports again must change nothing.
      merge.apply(at.name, reports);
    }
    merge.apply(at.name, reports);
    emit(step % 3 === 0);
    step += 1;
  };
  const flushes = plan.flushes ?? [1000];
  // Slices take turns, partitions within a slice too, as far apart as the flush sizes make them.
  const cursors = partitions.map(() => 0);
  for (let turn = 0, open = true; open; turn++) {
    open = false;
    for (const at of slices) {
      let budget = flushes[turn % flushes.length]!;
      for (const id of at.ids) {
        const frames = partitions[id]!;
        for (; budget > 0 && cursors[id]! < frames.length; budget--) {
          const offset = cursors[id]!++;
          const frame = frames[offset]!;
          const bytes = encode(typeof frame === 'string' ? frame : frameText(frame));
          at.slice.frame(id, offset, bytes, 0, bytes.length);
        }
        if (cursors[id] === frames.length) {
          at.slice.end(id);
          cursors[id] = frames.length + 1;
        }
        open ||= cursors[id]! <= frames.length;
      }
      flush(at);
    }
  }
  emit(true);
  for (const [key, bytes] of united(slices.map(({ windows }) => windows))) {
    run.states.set(key, createHash('sha256').update(bytes).digest('hex'));
  }
  for (const [key, { users, error, frames, end }] of run.newest) {
    run.answers.set(key, { users, error, frames, end });
  }
  return run;
}

/** The slices' states of each window, merged. */
function united(slices: readonly ReadonlyMap<string, Uint8Array>[]): Map<string, Uint8Array> {
  const whole = new Map<string, Uint8Array>();
  for (const windows of slices) {
    for (const [key, bytes] of windows) {
      const before = whole.get(key);
      const counts = decodeCounts(bytes);
      if (before !== undefined) {
        decodeCounts(before).forEach(({ frames, sketch }, field) => {
          counts[field]!.frames += frames;
          counts[field]!.sketch.merge(sketch);
        });
      }
      whole.set(key, encodeCounts(counts));
    }
  }
  return whole;
}

/** The exact answer, by sets. */
export function exact(
  frames: Iterable<Frame>,
): Map<string, { users: Set<string>; frames: number; end: string }> {
  const windows = new Map<string, { users: Set<string>; frames: number; end: string }>();
  for (const [atS, user] of frames) {
    for (const kind of WINDOW_KINDS) {
      const window = windowAt(kind, atS * 1000);
      const key = `${kind}/${isoSeconds(window.startMs)}`;
      let seen = windows.get(key);
      if (seen === undefined) {
        seen = { users: new Set(), frames: 0, end: isoSeconds(window.endMs) };
        windows.set(key, seen);
      }
      seen.users.add(user);
      seen.frames += 1;
    }
  }
  return windows;
}

/** The exact answer in the shape of a run's, for counts that are small enough to be exact. */
export const exactAnswers = (frames: Iterable<Frame>): Map<string, Answer> =>
  new Map(
    [...exact(frames)].map(([key, { users, frames: n, end }]) => [
      key,
      { users: users.size, error: 0, frames: n, end },
    ]),
  );

export const sorted = <V>(map: ReadonlyMap<string, V>): [string, V][] =>
  [...map].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0));

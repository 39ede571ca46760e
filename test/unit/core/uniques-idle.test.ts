import assert from 'node:assert/strict';
import fc from 'fast-check';
import { DEFAULT_COUNT_RULES } from '../../../src/core/count-rules.js';
import { UniquesSlice } from '../../../src/core/uniques-slice.js';
import { UniquesMerge } from '../../../src/core/uniques-merge.js';
import { resultKey, type UniqueUsersResult } from '../../../src/core/uniques-result.js';
import type { StateRecord } from '../../../src/core/uniques-state.js';
import { frameText, type Frame } from './counting.js';

/** 2016-07-11T13:39:00Z. */
const START = 1_468_244_340;
const HOUR = 3_600;
const RULES = {
  ...DEFAULT_COUNT_RULES,
  precision: 6,
  time: { ...DEFAULT_COUNT_RULES.time, confirmFrames: 1 },
};

/** What happens in a job, in this order whoever reads which partition: a partition brings a frame or idles, all slices commit. */
type Step =
  | { readonly partition: number; readonly frame: Frame }
  | { readonly partition: number; readonly idle: true }
  | 'commit'
  | 'restart';

interface Outcome {
  /** Every result given, in order; all at the same instant. */
  readonly results: UniqueUsersResult[];
  readonly rejected: string[];
  /** What the merge stage last kept of each window. */
  readonly states: Record<string, string>;
  readonly afterClose: number;
}

/** A part of a job with what is stored of it. */
class Stored<Part extends { restore(records: Iterable<StateRecord>): unknown }> {
  part: Part;
  readonly #make: () => Part;
  readonly #records = new Map<string, StateRecord>();

  constructor(make: () => Part) {
    this.#make = make;
    this.part = make();
  }

  keep(records: readonly StateRecord[]): void {
    for (const record of records) this.#records.set(record.key, record);
  }

  restart(): void {
    this.part = this.#make();
    this.part.restore(this.#records.values());
  }
}

function play(steps: readonly Step[], slicing: readonly (readonly number[])[]): Outcome {
  const rejected: string[] = [];
  const results: Outcome['results'] = [];
  const states: Record<string, string> = {};
  const slices = slicing.map(
    (own) =>
      new Stored(
        () =>
          new UniquesSlice(own, RULES, ({ partition, offset, reason }) =>
            rejected.push(`${partition}/${offset}:${reason}`),
          ),
      ),
  );
  const merge = new Stored(() => new UniquesMerge(slicing.flat().sort(), RULES));
  const of = (partition: number): UniquesSlice =>
    slices[slicing.findIndex((own) => own.includes(partition))]!.part;
  const commit = (isRestarting: boolean): void => {
    slices.forEach((slice, i) => {
      const { reports, state } = slice.part.snapshot();
      slice.keep(state);
      merge.part.apply(String(i), reports);
      if (!isRestarting) return;
      slice.restart();
      merge.part.apply(String(i), reports);
    });
    results.push(...merge.part.results(0, true));
    const kept = merge.part.snapshot();
    merge.keep(kept);
    for (const { key, value } of kept) {
      if (key.startsWith('window/') && value !== null) states[key] = Buffer.from(value).toString('hex');
    }
    if (isRestarting) merge.restart();
  };
  const all = [...steps, 'commit'] as const;
  all.forEach((step, offset) => {
    if (typeof step === 'string') commit(step === 'restart');
    else if ('idle' in step) of(step.partition).idle(step.partition);
    else {
      const bytes = Buffer.from(frameText(step.frame));
      of(step.partition).frame(step.partition, offset, bytes, 0, bytes.length);
    }
  });
  for (const partition of slicing.flat()) of(partition).end(partition);
  commit(false);
  return { results, rejected: rejected.sort(), states, afterClose: merge.part.afterClose };
}

const SLICINGS = [[[0, 1, 2]], [[0], [1], [2]], [[0, 1], [2]], [[2, 0], [1]], [[0], [2, 1]]];

describe('frames of a partition that had been idle', () => {
  const frame = (partition: number, atS: number, user: string): Step => ({ partition, frame: [atS, user] });
  /** Partition 1 is idle while partition 0 goes on by two hours; where partition 2 is differs. */
  const scene = (others: readonly Step[]): Step[] => [
    frame(0, START, 'a'),
    frame(1, START, 'b'),
    ...others,
    'commit',
    { partition: 1, idle: true },
    frame(0, START + 2 * HOUR, 'a'),
    'commit',
    frame(1, START + 1, 'c'),
    'commit',
    frame(1, START + 2, 'd'),
  ];
  const table: [what: string, others: Step[], minute: number, day: number, afterClose: boolean][] = [
    ['count where the others have not closed a window', [{ partition: 2, idle: true }], 2, 4, true],
    ['count wherever one partition keeps all windows open', [frame(2, START, 'a')], 4, 4, false],
  ];
  for (const [what, others, minute, day, isAfterClose] of table) {
    for (const slicing of SLICINGS) {
      it(`${what}: ${JSON.stringify(slicing)}`, () => {
        const { results, rejected, afterClose } = play(scene(others), slicing);
        const newest = new Map(results.map((result) => [resultKey(result), result]));
        assert.equal(newest.get('minute/2016-07-11T13:39:00Z')!.users, minute);
        assert.equal(newest.get('day/2016-07-11T00:00:00Z')!.users, day);
        assert.deepEqual(rejected, []);
        assert.equal(afterClose > 0, isAfterClose);
      });
    }
  }

  it('take no more room the more often they come', () => {
    const slice = new UniquesSlice([0, 1], RULES, () => undefined);
    const merge = new UniquesMerge([0, 1, 2], RULES);
    const bring = (partition: number, atS: number, user: string): void => {
      const bytes = Buffer.from(frameText([atS, user]));
      slice.frame(partition, 0, bytes, 0, bytes.length);
    };
    /** Bytes that the merge stage keeps of the first minute's result, and its frames. */
    const commit = (): readonly [number, number] => {
      merge.apply('0', slice.snapshot().reports);
      const minute = merge
        .results(0, true)
        .find((result) => resultKey(result).startsWith('minute/2016-07-11T13:39'));
      const kept = merge.snapshot().find(({ key }) => key.startsWith('result/minute/2016-07-11T13:39'));
      return [kept?.value?.length ?? NaN, minute?.frames ?? NaN];
    };
    bring(1, START, 'a');
    slice.idle(1);
    bring(0, START + 2 * HOUR, 'a');
    merge.apply('0', slice.snapshot().reports);
    bring(1, START + 1, 'b');
    const [once] = commit();
    for (let i = 0; i < 99; i++) {
      bring(1, START + 1, 'b');
      const [often, frames] = commit();
      assert.equal(frames, i + 3);
      assert.ok(often <= once + 10, `${often} bytes after ${i + 2}, ${once} after the first`);
    }
  });

  it('are waited for while what their slice has told of them is not read', () => {
    const slices = [0, 1].map((own) => new UniquesSlice([own], RULES, () => undefined));
    const [quick, idler] = slices as [UniquesSlice, UniquesSlice];
    const bring = (slice: UniquesSlice, partition: number, atS: number, user: string): void => {
      const bytes = Buffer.from(frameText([atS, user]));
      slice.frame(partition, 0, bytes, 0, bytes.length);
    };
    const merge = new UniquesMerge([0, 1], RULES);
    const final = (behind: readonly string[]): string[] =>
      merge
        .results(0, false, undefined, new Set(behind))
        .filter(({ status }) => status === 'final')
        .map(resultKey);
    bring(quick, 0, START, 'a');
    bring(idler, 1, START, 'b');
    idler.idle(1);
    const first = idler.snapshot().reports;
    bring(idler, 1, START + 1, 'c');
    const then = idler.snapshot().reports;
    bring(quick, 0, START + 2 * HOUR, 'a');
    merge.apply('0', quick.snapshot().reports);
    merge.apply('1', first);
    assert.deepEqual(final(['1']), [], 'it may be idle no more');
    merge.apply('1', then);
    assert.equal(merge.afterClose, 0);
    assert.ok(final([]).includes('minute/2016-07-11T13:39:00Z') === false, 'it is read again');
    idler.idle(1);
    merge.apply('1', idler.snapshot().reports);
    assert.ok(final([]).includes('minute/2016-07-11T13:39:00Z'));
  });

  it('are read again after a restart, as many may have come since', () => {
    const before = new UniquesSlice([0, 1], RULES, () => undefined);
    before.idle(1);
    const after = new UniquesSlice([0, 1], RULES, () => undefined);
    assert.deepEqual(after.restore(before.snapshot().state), [1]);
    assert.equal(after.clocks.get(1)!.reading, 'reading');
    assert.ok(
      after.snapshot().reports.some(({ key }) => key.startsWith('partition/1')),
      'the merge stage is told',
    );
  });

  it('count alike in any slices, restarted or not: every result, its status and its revision', function () {
    this.timeout(60_000);
    const partition = fc.nat(2);
    const moves = fc.oneof(
      {
        weight: 12,
        arbitrary: fc.record({ partition, byS: fc.integer({ min: -HOUR, max: HOUR }), user: fc.nat(9) }),
      },
      {
        weight: 2,
        arbitrary: fc.record({ partition, byS: fc.integer({ min: HOUR, max: 2 * HOUR }), user: fc.nat(9) }),
      },
      { weight: 4, arbitrary: fc.record({ partition, idle: fc.constant(true as const) }) },
      { weight: 6, arbitrary: fc.constantFrom('commit' as const, 'restart' as const) },
    );
    let after = 0;
    fc.assert(
      fc.property(fc.array(moves, { minLength: 20, maxLength: 60 }), (given) => {
        const timeS = [START, START, START];
        const steps = given.map((move): Step => {
          if (typeof move === 'string' || 'idle' in move) return move;
          const atS = timeS[move.partition]! + move.byS;
          timeS[move.partition] = Math.max(atS, timeS[move.partition]!);
          return frame(move.partition, atS, `u${move.user}`);
        });
        const [whole, ...others] = SLICINGS.map((slicing) => play(steps, slicing));
        after += whole!.afterClose;
        // How many states come after a close is another matter: a slice has one for all its partitions.
        for (const other of others)
          assert.deepEqual({ ...other, afterClose: 0 }, { ...whole!, afterClose: 0 });
      }),
      { numRuns: 50 },
    );
    assert.ok(after > 0, 'some came after the close');
  });
});

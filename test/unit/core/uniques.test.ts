import assert from 'node:assert/strict';
import fc from 'fast-check';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { relativeError } from '../../../src/core/hyperloglog.js';
import { DEFAULT_COUNT_RULES, type CountRules } from '../../../src/core/count-rules.js';
import { UniquesSlice } from '../../../src/core/uniques-slice.js';
import { UniquesMerge } from '../../../src/core/uniques-merge.js';
import { count, exact, exactAnswers, frameText, sorted, type Frame } from './counting.js';

/** 2016-07-11T13:39:00Z, a Monday. */
const START = 1_468_244_340;
const HOUR = 3_600;

const rulesWith = (time: Partial<CountRules['time']>, precision = 14): CountRules => ({
  ...DEFAULT_COUNT_RULES,
  precision,
  time: { ...DEFAULT_COUNT_RULES.time, ...time },
});

/** `perSecond` frames a second in order, of users drawn from `users`. */
function steady(seconds: number, perSecond: number, users: number, seed = 1): Frame[] {
  const rng = xoroshiro128plus(seed);
  return Array.from({ length: seconds * perSecond }, (_, i) => [
    START + Math.floor(i / perSecond),
    `u${uniformInt(rng, 1, users)}`,
  ]);
}

describe('core/uniques', () => {
  it('counts every window exactly while it is small, and gives results as documented', () => {
    const frames = steady(7_200, 1, 500);
    const run = count([frames]);
    assert.deepEqual(sorted(run.answers), sorted(exactAnswers(frames)));
    const { emittedAt, ...minute } = run.newest.get('minute/2016-07-11T13:39:00Z')!;
    assert.deepEqual(minute, {
      window: 'minute',
      start: '2016-07-11T13:39:00Z',
      end: '2016-07-11T13:40:00Z',
      users: exact(frames).get('minute/2016-07-11T13:39:00Z')!.users.size,
      error: 0,
      frames: 60,
      status: 'final',
      revision: 0,
    });
    assert.match(emittedAt, /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
    assert.ok(run.newest.has('week/2016-07-11T00:00:00Z') && run.newest.has('year/2016-01-01T00:00:00Z'));
    assert.ok([...run.newest.values()].every(({ status }) => status !== 'provisional'));
    assert.deepEqual(run.rejected, []);
  });

  it('gives provisional results before the end, one final, and a revision when late frames change it', () => {
    const frames = steady(300, 2, 40);
    const late: Frame = [START + 1, 'late user'];
    const run = count([[...frames, late, ...steady(400, 2, 40).slice(600)]], { flushes: [50] });
    const minute = run.results.filter((r) => r.window === 'minute' && r.start === '2016-07-11T13:39:00Z');
    assert.deepEqual(
      minute.filter((r) => r.status !== 'provisional').map((r) => [r.status, r.revision]),
      [
        ['final', 0],
        ['revised', 1],
      ],
    );
    assert.equal(minute[0]!.status, 'provisional');
    assert.equal(minute.at(-1)!.users, minute.find((r) => r.status === 'final')!.users + 1);
    assert.equal(minute.at(-1)!.frames, 121);
  });

  it('drops a window from memory when not even the latest frame can come, and quarantines what is later still', () => {
    const rejected: string[] = [];
    const rules = rulesWith({ confirmFrames: 1 });
    const slice = new UniquesSlice([0], rules, ({ reason }) => rejected.push(reason));
    const merge = new UniquesMerge([0], rules);
    const offer = (frame: Frame): void => {
      const bytes = Buffer.from(frameText(frame));
      slice.frame(0, 0, bytes, 0, bytes.length);
      merge.apply('0', slice.snapshot().reports);
      merge.results(0, false);
    };
    offer([START, 'a']);
    offer([START + HOUR + 59, 'b']);
    assert.equal(merge.openWindows, 2 + 2 + 4, 'two minutes, two hours and the longer four');
    offer([START + HOUR + 60, 'c']);
    assert.equal(merge.openWindows, 2 + 2 + 4, 'the first minute has gone, a third has come');
    offer([START + 59, 'd']);
    assert.deepEqual(rejected, ['too-late']);
  });

  it('quarantines malformed frames with their reason and counts the others', () => {
    const frames = steady(200, 1, 20);
    const bad = ['{', '{"ts":1468244340}', '{"uid":"u"}', '[]', '{"ts":true,"uid":"u"}'];
    const mixed = frames.flatMap((frame, i) => (i % 40 === 20 ? [frame, bad[Math.floor(i / 40)]!] : [frame]));
    const run = count([mixed]);
    assert.deepEqual(sorted(run.answers), sorted(exactAnswers(frames)));
    assert.deepEqual(
      run.rejected.map((text) => text.split(':')[1]),
      ['malformed', 'no-id', 'no-ts', 'malformed', 'no-ts'],
    );
  });

  it('counts several fields at once', () => {
    const frames = Array.from(
      { length: 300 },
      (_, i) => `{"ts":${START + i},"uid":${i % 7},"device":"d${i % 3}"}`,
    );
    frames.push(`{"ts":${START + 300},"uid":8}`);
    const rules = {
      ...DEFAULT_COUNT_RULES,
      format: { tsField: 'ts', idFields: ['uid', 'device'], strict: false },
    };
    const run = count([frames], { rules });
    const day = (field: string): unknown => {
      const { users, frames: n } = run.newest.get(`day/2016-07-11T00:00:00Z/${field}`)!;
      return [users, n];
    };
    assert.deepEqual(
      [day('uid'), day('device')],
      [
        [8, 301],
        [3, 300],
      ],
    );
  });

  describe('wild timestamps', () => {
    const frames = steady(1_000, 5, 300);
    const clean = count([frames]);
    const flipped = (seed: number, flips: number): { mixed: Frame[]; wild: number } => {
      const rng = xoroshiro128plus(seed);
      const mixed = [...frames];
      for (let i = 0; i < flips; i++) {
        // Bit 13 (2.3 hours) and higher: outside of what the partition's time allows, ahead or behind.
        const atS = (START + i * 20) ^ (2 ** uniformInt(rng, 13, 31));
        mixed.splice(uniformInt(rng, 0, mixed.length), 0, [atS >>> 0, `wild ${i}`]);
      }
      return { mixed, wild: flips };
    };
    const table: [what: string, mixed: Frame[], wild: number][] = [
      ['a first frame in 2106', [[4_294_967_295, 'wild'], ...frames], 1],
      ['a first frame in 1970', [[3, 'wild'], ...frames], 1],
      ['fifty bit flips', ...(Object.values(flipped(7, 50)) as [Frame[], number])],
      ['fifty other bit flips', ...(Object.values(flipped(8, 50)) as [Frame[], number])],
      ['flips before and after everything', [[9, 'w'], [4e9, 'w'], ...frames, [9, 'w'], [4e9, 'w']], 4],
    ];
    for (const [what, mixed, wild] of table) {
      it(`change the quarantine and no result: ${what}`, () => {
        for (const flushes of [[1000], [17, 300]]) {
          const run = count([mixed], { flushes });
          assert.equal(run.rejected.length, wild);
          assert.deepEqual(sorted(run.answers), sorted(clean.answers));
          assert.deepEqual(sorted(run.states), sorted(clean.states));
        }
      });
    }

    it('do not hide a hole of a week in the data, with a flip on either side', () => {
      const week = 7 * 86_400;
      const after = frames.map(([atS, user]): Frame => [atS + week, user]);
      const mixed: Frame[] = [
        ...frames,
        [START + 2 * week, 'w'],
        ...after.slice(0, 50),
        [5, 'w'],
        ...after.slice(50),
      ];
      const run = count([mixed]);
      assert.deepEqual(run.rejected.sort(), ['0/5000:unconfirmed', '0/5051:too-late']);
      assert.deepEqual(sorted(run.answers), sorted(exactAnswers([...frames, ...after])));
    });

    it('that stay inside falsify what they touch and nothing more: no frame is lost to them', () => {
      const rng = xoroshiro128plus(5);
      const mixed = frames.map(([atS, user], i): Frame => [
        i % 100 === 7 ? atS ^ (2 ** uniformInt(rng, 0, 11)) : atS,
        user,
      ]);
      const run = count([mixed]);
      assert.deepEqual(run.rejected, []);
      assert.deepEqual(sorted(run.answers), sorted(exactAnswers(mixed)));
    });
  });

  describe('any order within the lateness', () => {
    /** Delays every frame by up to `lateness` and takes them by arrival. */
    const shuffled = (frames: readonly Frame[], delays: readonly number[]): Frame[] =>
      frames
        .map((frame, i) => ({ frame, arrival: frame[0] + delays[i % delays.length]! }))
        .sort((a, b) => a.arrival - b.arrival)
        .map(({ frame }) => frame);

    it('gives the same newest results and the same sketches', function () {
      this.timeout(30_000);
      const rules = rulesWith({ confirmFrames: 5, latenessS: 300, aheadS: 600 }, 6);
      const gaps = fc.array(fc.tuple(fc.integer({ min: 0, max: 30 }), fc.nat(30)), {
        minLength: 30,
        maxLength: 150,
      });
      const delays = fc.array(fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 300 })), {
        minLength: 1,
        maxLength: 60,
      });
      const flushes = fc.array(fc.integer({ min: 1, max: 70 }), { minLength: 1, maxLength: 5 });
      fc.assert(
        fc.property(gaps, delays, flushes, (steps, late, sizes) => {
          let atS = START;
          const frames = steps.map(([gap, user]): Frame => [(atS += gap), `u${user}`]);
          const inOrder = count([frames], { rules });
          const run = count([shuffled(frames, late)], { rules, flushes: sizes });
          assert.deepEqual(run.rejected, []);
          assert.deepEqual(sorted(run.answers), sorted(inOrder.answers));
          assert.deepEqual(sorted(run.states), sorted(inOrder.states));
        }),
        { numRuns: 200 },
      );
    });

    it('holds for an hour of the default rules', () => {
      const frames = steady(4 * HOUR, 1, 3_000);
      const inOrder = count([frames]);
      for (const seed of [1, 2]) {
        const rng = xoroshiro128plus(seed);
        const delays = frames.map(() => (uniformInt(rng, 0, 3) === 0 ? uniformInt(rng, 0, HOUR) : 0));
        const run = count([shuffled(frames, delays)]);
        assert.deepEqual(run.rejected, []);
        assert.deepEqual(sorted(run.answers), sorted(inOrder.answers));
        assert.deepEqual(sorted(run.states), sorted(inOrder.states));
      }
    });
  });

  it('is the same for any slices, any flushes and a restart at any of them', function () {
    this.timeout(30_000);
    const rules = rulesWith({ confirmFrames: 4 }, 6);
    const frames = steady(400, 2, 90);
    const partitions: (readonly Frame[])[] = [0, 1, 2, 3].map((p) => frames.filter((_, i) => i % 4 === p));
    partitions[1] = [[4e9, 'wild'], ...partitions[1]!.slice(0, 80), [7, 'wild'], ...partitions[1]!.slice(80)];
    const whole = count(partitions, { rules });
    assert.equal(whole.rejected.length, 2);
    const plans = fc.constantFrom(
      [[0, 1, 2, 3]],
      [[0], [1], [2], [3]],
      [
        [3, 1],
        [0, 2],
      ],
      [[2], [0, 1, 3]],
    );
    const flushes = fc.array(fc.integer({ min: 5, max: 300 }), { minLength: 1, maxLength: 6 });
    const restarts = fc.array(fc.nat(40), { maxLength: 12 });
    fc.assert(
      fc.property(plans, flushes, restarts, (slices, sizes, at) => {
        const run = count(partitions, { rules, slices, flushes: sizes, restartAt: new Set(at) });
        assert.deepEqual([...run.rejected].sort(), [...whole.rejected].sort());
        assert.deepEqual(sorted(run.answers), sorted(whole.answers));
        assert.deepEqual(sorted(run.states), sorted(whole.states));
      }),
      { numRuns: 120 },
    );
  });

  it('does not wait for an idle partition, and says when its frames came after a window had closed', () => {
    const rules = rulesWith({ confirmFrames: 1 });
    const slice = new UniquesSlice([0, 1], rules, () => assert.fail('nothing to reject'));
    const merge = new UniquesMerge([0, 1], rules);
    const offer = (partition: number, frame: Frame): void => {
      const bytes = Buffer.from(frameText(frame));
      slice.frame(partition, 0, bytes, 0, bytes.length);
    };
    const finals = (): number => {
      merge.apply('0', slice.snapshot().reports);
      return merge.results(0, false).filter(({ status }) => status === 'final').length;
    };
    offer(0, [START, 'a']);
    offer(0, [START + 2 * HOUR, 'b']);
    assert.equal(finals(), 0, 'partition 1 may still be anywhere');
    slice.idle(1);
    assert.ok(finals() > 0);
    offer(1, [START, 'c']);
    assert.equal(finals(), 0);
    assert.equal(merge.afterClose, 2, 'the minute and the hour');
    offer(1, [START + 2 * HOUR, 'd']);
    assert.equal(finals(), 0);
    assert.equal(merge.afterClose, 2);
    assert.equal(slice.tally.accept, 4);
  });

  it('errs within theory: 1,000,000 frames of 99,993 users, the day within 3 sigma, every minute within its bound', function () {
    this.timeout(60_000);
    const rules = DEFAULT_COUNT_RULES;
    const rng = xoroshiro128plus(99_993);
    const users = 99_993;
    const minutes = new Map<number, Set<number>>();
    const slice = new UniquesSlice([0], rules, () => assert.fail('nothing to reject'));
    const merge = new UniquesMerge([0], rules);
    const results = new Map<string, { users: number; error: number; frames: number }>();
    const flush = (): void => {
      merge.apply('0', slice.snapshot().reports);
      for (const r of merge.results(0, false)) results.set(`${r.window}/${r.start}`, r);
    };
    for (let i = 0; i < 1_000_000; i++) {
      // Every user once, then at random; a thousand a second, a second late now and then.
      const user = i < users ? i : uniformInt(rng, 0, users - 1);
      const atS = START + Math.floor(i / 1000) - (i % 97 === 0 ? 1 : 0);
      const bytes = Buffer.from(`{"ts":${atS},"uid":"user-${user}"}`);
      slice.frame(0, i, bytes, 0, bytes.length);
      const minute = Math.floor(atS / 60) * 60;
      let seen = minutes.get(minute);
      if (seen === undefined) minutes.set(minute, (seen = new Set()));
      seen.add(user);
      if (i % 100_000 === 99_999) flush();
    }
    slice.end(0);
    flush();
    const day = results.get('day/2016-07-11T00:00:00Z')!;
    const sigma = relativeError(14);
    assert.equal(day.frames, 1_000_000);
    assert.ok(Math.abs(day.users / users - 1) < 3 * sigma, `the day: ${day.users} of ${users}`);
    assert.equal(minutes.size, 18);
    for (const [startS, seen] of minutes) {
      const result = results.get(`minute/${new Date(startS * 1000).toISOString().slice(0, 19)}Z`)!;
      if (result.error === 0) assert.equal(result.users, seen.size);
      // Nineteen windows are looked at: 4 sigma keeps a right estimator from failing.
      else
        assert.ok(
          Math.abs(result.users / seen.size - 1) < 4 * sigma,
          `${startS}: ${result.users} of ${seen.size}`,
        );
    }
  });
});

import assert from 'node:assert/strict';
import fc from 'fast-check';
import { uniformInt } from 'pure-rand/distribution/uniformInt';
import { xoroshiro128plus } from 'pure-rand/generator/xoroshiro128plus';
import { DEFAULT_TIME_RULES, type TimeRules } from '../../../src/core/watermark.js';
import { PartitionTime } from '../../../src/core/watermark-partition.js';

const RULES: TimeRules = { latenessS: 60, aheadS: 120, orderS: 5, confirmFrames: 3 };
const YEAR_S = 31_536_000;

/** Runs timestamps through one partition and says how each ended, by its place in the input. */
function run(times: readonly number[], rules: TimeRules, finish: 'end' | 'idle' | 'neither' = 'end') {
  const time = new PartitionTime<number>(rules);
  const outcome: string[] = [];
  const settled = (decision: string, held: { frame: number }): void => {
    outcome[held.frame] = decision;
  };
  times.forEach((atS, i) => {
    outcome[i] = time.decide(atS);
    if (outcome[i] === 'hold') time.hold(atS, i);
    if (time.unsettled) time.settle(settled);
  });
  if (finish === 'end') time.end(settled);
  if (finish === 'idle') {
    time.giveUp(settled);
    time.idle();
  }
  return { outcome, timeS: time.timeS, reading: time.reading, state: time.state };
}

const repeat = (count: number, atS: number): number[] => Array.from({ length: count }, () => atS);

describe('core/watermark-partition', () => {
  const START = repeat(3, 1000);
  const started = ['accept', 'accept', 'accept'];
  /** The decision table of docs/unique-users.md: K = 3, lateness 60 s, ahead 120 s, order 5 s; time is 1000 after START. */
  const table: [
    row: string,
    times: number[],
    outcome: string[],
    timeS: number | undefined,
    finish?: 'idle' | 'neither',
  ][] = [
    ['not started, fewer than K agree: hold', [1000, 1000], ['hold', 'hold'], undefined, 'neither'],
    ['not started, the K-th agrees: start, count all', START, started, 1000],
    [
      'not started, K frames but not within the lateness: hold',
      [1000, 1061, 1122],
      ['hold', 'hold', 'hold'],
      undefined,
      'neither',
    ],
    ['started at the earliest of the K', [1060, 1000, 1030], ['accept', 'accept', 'accept'], 1000],
    ['started, at the time: accept', [...START, 1000], [...started, 'accept'], 1000],
    ['started, as far ahead as allowed: accept, time stays', [...START, 1120], [...started, 'accept'], 1000],
    [
      'the K-th frame ahead moves time to what K have reached',
      [...START, 1010, 1030, 1020],
      [...started, ...started],
      1010,
    ],
    ['started, behind within the order: accept', [...START, 995], [...started, 'accept'], 1000],
    ['started, further behind: late', [...START, 994], [...started, 'late'], 1000],
    ['started, as late as allowed: late', [...START, 940], [...started, 'late'], 1000],
    ['started, later than allowed: too late', [...START, 939], [...started, 'too-late'], 1000],
    ['started, too far ahead: hold', [...START, 1121], [...started, 'hold'], 1000, 'neither'],
    ['K too far ahead that agree: jump', [...START, 5000, 5060, 5010], [...started, ...started], 5000],
    [
      'K too far ahead that do not agree: hold',
      [...START, 5000, 5061, 9000],
      [...started, 'hold', 'hold', 'hold'],
      1000,
      'neither',
    ],
    [
      'after a jump, the old time is too late',
      [...START, ...repeat(3, 5000), 1001],
      [...started, ...started, 'too-late'],
      5000,
    ],
    [
      'held, then reached by time: count',
      [...START, 1125, 1010, 1010, 1010],
      [...started, 'accept', ...started],
      1010,
    ],
    [
      'held, then K others follow the old time: unconfirmed',
      [...START, 5000, ...START],
      [...started, 'unconfirmed', ...started],
      1000,
    ],
    [
      'a minority ahead never jumps: each goes before K agree',
      [...START, 5000, 1000, 1000, 5000, 1000, 1000, 5000, 1000, 1000, 5000],
      [
        ...started,
        'unconfirmed',
        'accept',
        'accept',
        'unconfirmed',
        'accept',
        'accept',
        'hold',
        'accept',
        'accept',
        'hold',
      ],
      1000,
      'neither',
    ],
    [
      'held when the partition idles: unconfirmed',
      [...START, 5000],
      [...started, 'unconfirmed'],
      1000,
      'idle',
    ],
    [
      'held before any start when it idles: unconfirmed',
      [1000, 1000],
      ['unconfirmed', 'unconfirmed'],
      undefined,
      'idle',
    ],
    [
      'held when the input ends: unconfirmed',
      [...START, 5000, 5000],
      [...started, 'unconfirmed', 'unconfirmed'],
      1000,
    ],
    ['an input too short to start is counted', [1000, 90_000], ['accept', 'accept'], undefined],
    [
      '... but for what is a year from its middle',
      [9 * YEAR_S, 1000, 90_000],
      ['unconfirmed', 'accept', 'accept'],
      undefined,
    ],
    [
      'a wild first frame ahead',
      [9 * YEAR_S, ...START, ...START],
      ['unconfirmed', ...started, ...started],
      1000,
    ],
    ['a wild first frame behind', [5, ...START], ['too-late', ...started], 1000],
    [
      'no four-digit year: impossible',
      [...START, 3e11, -7e10, Number.NaN],
      [...started, ...repeat(3, 0).map(() => 'impossible')],
      1000,
    ],
    ['a start far in the past is as good as any', repeat(3, -50_000_000), started, -50_000_000],
  ];
  for (const [row, times, outcome, timeS, finish] of table) {
    it(row, () => {
      const result = run(times, RULES, finish);
      assert.deepEqual(result.outcome, outcome);
      assert.equal(result.timeS, timeS);
      assert.equal(result.reading, finish === 'neither' ? 'reading' : finish === 'idle' ? 'idle' : 'ended');
    });
  }

  it('is read again, once idle, when its time moves and not before', () => {
    const time = new PartitionTime<number>(RULES);
    const offer = (atS: number): string => {
      if (time.decide(atS) === 'hold') time.hold(atS, 0);
      if (time.unsettled) time.settle(() => undefined);
      return time.reading;
    };
    const read = (times: readonly number[]): string[] => {
      time.idle();
      return times.map(offer);
    };
    assert.deepEqual(read(START), ['idle', 'idle', 'reading'], 'it starts');
    assert.deepEqual(
      read([5000, 3e11, 1, 990, 1000]),
      Array.from({ length: 5 }, () => 'idle'),
      'nothing moves it',
    );
    assert.deepEqual(read([1010, 1010, 1010]), ['idle', 'idle', 'reading'], 'it moves');
    assert.deepEqual(read(repeat(3, 9000)), ['idle', 'idle', 'reading'], 'it jumps');
  });

  it('holds a bounded number of frames, however wild', () => {
    const times = Array.from({ length: 500 }, (_, i) => i * 1000);
    const { outcome, state } = run(times, RULES, 'neither');
    assert.equal(state.held.length, 30);
    assert.ok(outcome.slice(0, 470).every((decision) => decision === 'unconfirmed'));
  });

  it('crosses a hole of a week once K frames came after it, and counts every one', () => {
    const week = 7 * 86_400;
    const times = [...Array(500).keys()].map((i) => (i < 250 ? 10_000 + i : 10_000 + week + i));
    const { outcome, timeS } = run(times, DEFAULT_TIME_RULES);
    assert.ok(outcome.every((decision) => decision === 'accept'));
    assert.equal(timeS, 10_000 + week + 400);
  });

  describe('flips that stay inside', () => {
    /** Bit 12 is not set for the first 4,096 s: all its flips go ahead. */
    const ALIGNED_S = 8_192 * 179_000;
    const PER_SECOND = 250;
    const BITS = 13;
    for (const share of [5e-4, 0.01, 0.2]) {
      it(`neither move time nor lose a frame, with a share of ${share} of them`, () => {
        const rng = xoroshiro128plus(17);
        const time = new PartitionTime<number>(DEFAULT_TIME_RULES);
        const ignore = (): void => undefined;
        let flips = 0;
        for (let i = 0; i < 4_000 * PER_SECOND; i++) {
          const nowS = ALIGNED_S + Math.floor(i / PER_SECOND);
          const isFlipped = uniformInt(rng, 0, 999_999) < share * 1e6;
          // Half of them of bit 12, which moves a frame the furthest.
          const bit = uniformInt(rng, 0, 1) === 0 ? BITS - 1 : uniformInt(rng, 0, BITS - 1);
          const atS = isFlipped ? nowS ^ (2 ** bit) : nowS;
          const decision = time.decide(atS);
          if (decision === 'hold') time.hold(atS, i);
          if (time.unsettled) time.settle(ignore);
          if (isFlipped) flips += 1;
          else if (i >= 2 * DEFAULT_TIME_RULES.confirmFrames) assert.equal(decision, 'accept', `frame ${i}`);
          assert.ok((time.timeS ?? 0) <= nowS, `frame ${i} moved time ahead of every sound one`);
        }
        assert.ok(flips > 4 * DEFAULT_TIME_RULES.confirmFrames, `${flips} flips`);
      });
    }
  });

  it('decides alike after a restart at any frame', () => {
    const times = fc.array(
      fc.oneof(
        { weight: 6, arbitrary: fc.integer({ min: 1000, max: 1300 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 20_000 }) },
      ),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(times, fc.nat(60), (all, cut) => {
        const whole = run(all, RULES);
        let time = new PartitionTime<number>(RULES);
        const outcome: string[] = [];
        const settled = (decision: string, held: { frame: number }): void => {
          outcome[held.frame] = decision;
        };
        all.forEach((atS, i) => {
          if (i === cut)
            time = new PartitionTime(RULES, JSON.parse(JSON.stringify(time.state)) as typeof time.state);
          outcome[i] = time.decide(atS);
          if (outcome[i] === 'hold') time.hold(atS, i);
          if (time.unsettled) time.settle(settled);
        });
        time.end(settled);
        assert.deepEqual(outcome, whole.outcome);
      }),
    );
  });

  it('decides on the others alike without the frames it quarantined', () => {
    const times = fc.array(
      fc.oneof(
        { weight: 8, arbitrary: fc.integer({ min: 1000, max: 1100 }) },
        { weight: 1, arbitrary: fc.integer({ min: 0, max: 4_000_000_000 }) },
      ),
      { minLength: 10, maxLength: 80 },
    );
    fc.assert(
      fc.property(fc.nat(4_000_000_000), times, (first, rest) => {
        const all = [first, ...START, ...rest];
        const { outcome, timeS } = run(all, RULES);
        const isCounted = (i: number): boolean => outcome[i] === 'accept' || outcome[i] === 'late';
        const clean = all.filter((_, i) => isCounted(i));
        const again = run(clean, RULES);
        assert.deepEqual(
          again.outcome,
          outcome.filter((_, i) => isCounted(i)),
        );
        assert.equal(again.timeS, timeS);
      }),
      { numRuns: 500 },
    );
  });
});

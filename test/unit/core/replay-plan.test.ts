import assert from 'node:assert/strict';
import fc from 'fast-check';
import { boundRanges, checkAsked, cutSlices } from '../../../src/core/replay-plan.js';
import { instant, rangesOf, selectionOf, timesOfDay } from '../../../src/core/replay-options.js';
import { targetFaults, targetLimits, timeBounds } from '../../../src/core/replay-target.js';

const NOW = Date.UTC(2026, 10, 21);
const asked = { job: 'gap', source: 'a', target: 'b', selection: {} };

describe('replay plan', () => {
  const faults: readonly [string, Partial<Parameters<typeof checkAsked>[0]>, RegExp][] = [
    ['a name that is no id', { job: 'a b' }, /name/],
    ['a topic copied onto itself', { target: 'a' }, /feed itself/],
    ['no slices', { slices: 0 }, /slice/],
    ['a partition twice', { ranges: [{ partition: 0 }, { partition: 0 }] }, /twice/],
    ['a range backwards', { ranges: [{ partition: 0, startOffset: '5', endOffset: '4' }] }, /no range/],
    ['a future window', { selection: { window: { fromMs: NOW + 1, toMs: NOW + 2 } } }, /future/],
  ];
  for (const [name, input, message] of faults) {
    it(`refuses ${name}`, () => {
      assert.throws(() => checkAsked({ ...asked, ...input }, NOW), { code: 'BAD_REPLAY', message });
    });
  }

  it('takes what is in order', () => {
    checkAsked({ ...asked, ranges: [{ partition: 0, startOffset: '4', endOffset: '4' }] }, NOW);
  });

  const bounds = [{ partition: 0, logStartOffset: 10, lastStableOffset: 90 }];
  it('ends every range where the log is decided', () => {
    assert.deepEqual(boundRanges(bounds, undefined, undefined), [
      { partition: 0, startOffset: 10, endOffset: 90 },
    ]);
    assert.throws(() => boundRanges(bounds, [{ partition: 0, endOffset: '91' }], undefined), /up to 90 only/);
    assert.throws(() => boundRanges(bounds, [{ partition: 7 }], undefined), /no partition 7/);
  });
  it('keeps an asked start below the log, so that what is gone is seen', () => {
    const [range] = boundRanges(bounds, [{ partition: 0, startOffset: '3' }], undefined);
    assert.equal(range?.startOffset, 3);
  });
  it('begins at the first offset that the time index gives, and is empty without one', () => {
    assert.equal(boundRanges(bounds, undefined, new Map([[0, 50]]))[0]?.startOffset, 50);
    assert.equal(boundRanges(bounds, undefined, new Map([[0, undefined]]))[0]?.startOffset, 90);
  });

  it('cuts ranges into slices that hold each once and differ by no more than the longest', () => {
    const lengths = fc.array(fc.nat(1_000), { minLength: 1, maxLength: 20 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 1, max: 8 }), (all, wanted) => {
        const ranges = all.map((endOffset, partition) => ({ partition, startOffset: 0, endOffset }));
        const slices = cutSlices(ranges, wanted);
        assert.equal(slices.length, Math.min(wanted, ranges.length));
        const byPartition = slices.flat().sort((a, b) => a.partition - b.partition);
        assert.deepEqual(byPartition, ranges);
        const sizes = slices.map((slice) => slice.reduce((sum, { endOffset }) => sum + endOffset, 0));
        assert.ok(Math.max(...sizes) - Math.min(...sizes) <= Math.max(...all));
      }),
    );
  });
});

describe('replay target', () => {
  const limits = targetLimits(
    { 'retention.ms': '604800000', 'message.timestamp.after.max.ms': '3600000' },
    1,
  );
  const use = { timestamps: 'keep' as const, accept: [], nowMs: NOW };
  const settings = (config: Record<string, string>, more: Partial<Parameters<typeof targetFaults>[1]> = {}) =>
    targetFaults(targetLimits(config, 1), { ...use, ...more }).map(({ setting }) => setting);

  it('takes everything where nothing is limited', () => {
    assert.deepEqual(settings({ 'retention.ms': '-1' }, { window: { fromMs: 0, toMs: NOW } }), []);
  });
  it('names the setting that deletes, refuses or overwrites', () => {
    assert.deepEqual(settings({ 'cleanup.policy': 'compact' }), ['cleanup.policy']);
    assert.deepEqual(settings({ 'retention.bytes': '1000' }), ['retention.bytes']);
    assert.deepEqual(settings({ 'message.timestamp.type': 'LogAppendTime' }), ['message.timestamp.type']);
    assert.deepEqual(settings({ 'min.insync.replicas': '2' }), ['min.insync.replicas']);
  });
  it('compares a window with what B keeps, unless records are stamped anew or the effect is accepted', () => {
    const window = { fromMs: NOW - 30 * 86_400_000, toMs: NOW };
    assert.deepEqual(
      targetFaults(limits, { ...use, window }).map(({ setting }) => setting),
      ['retention.ms'],
    );
    assert.deepEqual(targetFaults(limits, { ...use, window, timestamps: 'now' }), []);
    assert.deepEqual(targetFaults(limits, { ...use, window, accept: ['retention.ms'] }), []);
  });
  it('knows the times B keeps', () => {
    assert.deepEqual(timeBounds(limits, NOW), [
      { setting: 'retention.ms', fromMs: NOW - 604_800_000, toMs: Infinity },
      { setting: 'message.timestamp.after.max.ms', fromMs: -Infinity, toMs: NOW + 3_600_000 },
    ]);
  });
});

describe('replay options', () => {
  it('reads instants, times of day and ranges', () => {
    assert.equal(instant('2026-11-20T11:00:00Z'), Date.UTC(2026, 10, 20, 11));
    assert.equal(instant('2026-11-20'), Date.UTC(2026, 10, 20));
    assert.deepEqual(timesOfDay('11:00-13:30'), { fromMs: 39_600_000, toMs: 48_600_000 });
    assert.deepEqual(rangesOf('0:100-200,1:50-,2:-70,3'), [
      { partition: 0, startOffset: '100', endOffset: '200' },
      { partition: 1, startOffset: '50' },
      { partition: 2, endOffset: '70' },
      { partition: 3 },
    ]);
  });
  it('gives a window one side when one is asked for', () => {
    assert.deepEqual(selectionOf({ to: '2026-11-20' }).window, { fromMs: 0, toMs: Date.UTC(2026, 10, 20) });
    assert.deepEqual(selectionOf({}), {});
  });
  for (const read of [() => instant('soon'), () => timesOfDay('11-13'), () => rangesOf('0:5')]) {
    it(`refuses what it cannot read (${String(read)})`, () => {
      assert.throws(read, { code: 'BAD_OPTION' });
    });
  }
});

import assert from 'node:assert/strict';
import { DEFAULT_COUNT_RULES } from '../../../src/core/count-rules.js';
import { UniquesSlice } from '../../../src/core/uniques-slice.js';
import type { StateRecord } from '../../../src/core/uniques-state.js';

const START = 1_468_244_340;
/** Kafka's default `max.message.bytes`, less what a record and its batch are wrapped in. */
const MOST_BYTES = 1_000_000;
const K = DEFAULT_COUNT_RULES.time.confirmFrames;

describe('state of a slice', () => {
  const reject = (): void => undefined;

  function offer(slice: UniquesSlice, offset: number, atS: number, more = ''): void {
    const bytes = Buffer.from(`{"ts":${atS},"uid":"u${offset}","more":"${more}"}`);
    slice.frame(0, offset, bytes, 0, bytes.length);
  }

  const held = (records: readonly StateRecord[]): StateRecord[] =>
    records.filter(({ key }) => key.startsWith('held/'));

  it('fits the records of Kafka however many frames are held, and writes each of them once', () => {
    const slice = new UniquesSlice([0], DEFAULT_COUNT_RULES, reject);
    for (let i = 0; i < 10 * K; i++) {
      // No K of them agree.
      offer(slice, i, START + 120 * i, 'x'.repeat(2_000));
      if (i === 5 * K - 1) assert.equal(held(slice.snapshot().state).length, 5 * K);
    }
    const records = slice.snapshot().state;
    assert.deepEqual(
      held(records).map(({ key }) => key),
      Array.from({ length: 5 * K }, (_, i) => `held/0/${5 * K + i}`),
    );
    for (const { key, value } of records) assert.ok(value === null || value.length < 10_000, key);
    const large = new UniquesSlice([0], DEFAULT_COUNT_RULES, reject);
    offer(large, 0, START, '\\n'.repeat(MOST_BYTES / 2 - 100));
    for (const { key, value } of large.snapshot().state) assert.ok(value!.length < MOST_BYTES, key);
  });

  it('removes the record of a frame once it is settled, restarted in between or not', () => {
    for (const isRestarted of [false, true]) {
      let slice = new UniquesSlice([0], DEFAULT_COUNT_RULES, reject);
      const state = new Map<string, StateRecord>();
      const commit = (): void => {
        for (const record of slice.snapshot().state) state.set(record.key, record);
        if (!isRestarted) return;
        slice = new UniquesSlice([0], DEFAULT_COUNT_RULES, reject);
        slice.restore(state.values());
      };
      // Not in the order of the keys' text.
      for (let i = 8; i < 8 + K; i++) {
        offer(slice, i, START + i);
        commit();
      }
      const records = [...state.values()];
      assert.equal(
        held(records).length,
        K - 1,
        'the last one confirms the others and is never held for long',
      );
      assert.ok(held(records).every(({ value }) => value === null));
      assert.equal(slice.tally.accept, K);
      assert.equal(slice.tally.late, 0);
    }
  });
});

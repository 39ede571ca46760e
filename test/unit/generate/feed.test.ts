import assert from 'node:assert/strict';
import fc from 'fast-check';
import { feed } from '../../../src/generate/feed.js';
import { segments } from '../../../src/generate/writers/segments.js';

const nowMs = (): number => performance.now();

describe('generate/feed', () => {
  it('writes everything once, in order, and applies it only after it was written', async () => {
    const numbers = Array.from({ length: 2_345 }, (_, index) => index);
    const written: number[] = [];
    const applied: number[] = [];
    const progress: number[] = [];
    const result = await feed(
      numbers,
      async (batch) => {
        await Promise.resolve();
        assert.deepEqual(applied, written);
        written.push(...batch);
      },
      (operation) => applied.push(operation),
      { nowMs, onProgress: (count) => progress.push(count) },
    );
    assert.deepEqual(result, { written: 2_345, stopped: false });
    assert.deepEqual(written, numbers);
    assert.deepEqual(applied, numbers);
    assert.deepEqual(progress, [1_000, 2_000, 2_345]);
  });

  it('stops after the batch under way, and has applied exactly what was written', async () => {
    const stop = new AbortController();
    const written: number[] = [];
    const applied: number[] = [];
    const result = await feed(
      endless(),
      (batch) => {
        written.push(...batch);
        if (written.length === 3_000) stop.abort();
        return Promise.resolve();
      },
      (operation) => applied.push(operation),
      { nowMs, signal: stop.signal },
    );
    assert.deepEqual(result, { written: 3_000, stopped: true });
    assert.deepEqual(applied, written);
  });

  it('applies nothing of a batch that failed', async () => {
    const applied: number[] = [];
    let batches = 0;
    const failing = feed(
      endless(),
      () => (++batches === 3 ? Promise.reject(new Error('gone')) : Promise.resolve()),
      (operation) => applied.push(operation),
      { nowMs },
    );
    await assert.rejects(failing, /gone/);
    assert.equal(applied.length, 2_000);
  });

  it('keeps to the rate, in small batches, and asks for operations only as it goes', async () => {
    const startedMs = nowMs();
    const sizes = new Set<number>();
    let asked = 0;
    const counted = (function* () {
      for (const operation of endless()) {
        if (operation === 100) return;
        asked = operation + 1;
        yield operation;
      }
    })();
    const write = (batch: readonly number[]): Promise<void> => {
      sizes.add(batch.length);
      assert.equal(asked, (batch.at(-1) ?? 0) + 1);
      return Promise.resolve();
    };
    await feed(counted, write, () => undefined, { nowMs, rate: 400 });
    assert.deepEqual([...sizes], [40, 20]);
    // 100 operations at 400 per second; a timer may fire a millisecond early.
    assert.ok(nowMs() - startedMs >= 249, `${nowMs() - startedMs} ms`);
  });

  it('does not wait for its turn when it is stopped meanwhile', async () => {
    const stop = new AbortController();
    const write = (): Promise<void> => {
      setImmediate(() => stop.abort());
      return Promise.resolve();
    };
    // One operation in 1,000 seconds: the test would time out.
    const result = await feed(endless(), write, () => undefined, { nowMs, rate: 0.001, signal: stop.signal });
    assert.deepEqual(result, { written: 1, stopped: true });
  });
});

describe('generate/writers/segments', () => {
  it('keeps all operations in order, with no key twice in a segment, and no cut without need', () => {
    const operation = fc.uniqueArray(fc.nat(8), { minLength: 1, maxLength: 2 });
    fc.assert(
      fc.property(fc.array(operation), (operations) => {
        const cut = segments(operations, (keys) => keys);
        assert.deepEqual(cut.flat(), operations);
        for (const [index, segment] of cut.entries()) {
          const keys = segment.flat();
          assert.equal(new Set(keys).size, keys.length);
          const next = cut[index + 1]?.[0];
          assert.ok(next === undefined || next.some((key) => keys.includes(key)));
        }
      }),
    );
    assert.deepEqual(
      segments([], () => []),
      [],
    );
  });
});

function* endless(): Generator<number> {
  for (let next = 0; ; next++) yield next;
}

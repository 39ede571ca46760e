import assert from 'node:assert/strict';
import fc from 'fast-check';
import { ROOM_AT, scannable } from '../../../src/core/scan-memory.js';
import { DEFAULT_COUNT_RULES } from '../../../src/core/count-rules.js';
import { UniquesProcessor } from '../../../src/stream/processors/uniques.js';
import { RecordBatch } from '../../../src/stream/record-batch.js';
import { RecordBatchBuilder, type OutputRecord } from '../../../src/stream/record-batch-builder.js';
import type { Output } from '../../../src/stream/transactional-writer.js';

/** 2016-07-11T13:39:00Z. */
const START = 1_468_244_340;
const HOUR = 3_600;
const WILD = 4_000_000_000;
const IDLE_MS = 10_000;
const SKEW_S = 6 * HOUR;
const K = 4;
const RULES = { ...DEFAULT_COUNT_RULES, time: { ...DEFAULT_COUNT_RULES.time, confirmFrames: K } };

const many = (count: number, atS: number): number[] => Array.from({ length: count }, () => atS);

/** A slice as the engine drives it: what its partitions hold is read when a test says so, under a clock that only a test moves. */
class Driven {
  readonly rejected: string[] = [];
  /** The state's keys that have a value. */
  readonly state = new Map<string, Buffer>();
  readonly #logs: (number | string)[][];
  readonly #next: number[];
  readonly #processor: UniquesProcessor;
  readonly #output: Output = {
    copy: () => assert.fail('nothing is copied'),
    write: (topic, _partition, record) => {
      if (topic === 'frames.quarantine') this.rejected.push(reasonOf(record));
    },
  };
  #nowMs = 0;
  readonly #place: (sealed: Buffer) => Buffer;

  /** `place` puts a batch where it is read from. */
  constructor(partitions: number, place = (sealed: Buffer): Buffer => Buffer.from(sealed)) {
    this.#place = place;
    this.#logs = Array.from({ length: partitions }, () => []);
    this.#next = this.#logs.map(() => 0);
    this.#processor = new UniquesProcessor({
      job: 'driven',
      source: { topic: 'frames', topicId: 'id' },
      partitions: this.#logs.map((_, partition) => ({ partition })),
      rules: RULES,
      partials: { topic: 'count.driven', partition: 0 },
      quarantine: { topic: 'frames.quarantine', partitions: 1 },
      idleMs: IDLE_MS,
      maxSkewS: SKEW_S,
      now: () => this.#nowMs,
    });
  }

  /** Frames of these seconds, or texts as they are, are behind what the partition holds. */
  append(partition: number, frames: readonly (number | string)[]): void {
    this.#logs[partition]!.push(...frames);
  }

  /** One read of the engine: of every partition that is not paused as much as it may bring, then a tick and a commit. */
  turn(mostFrames: readonly number[] = this.#logs.map(() => 1_000)): void {
    const paused = this.paused;
    this.#logs.forEach((log, partition) => {
      const startOffset = this.#next[partition]!;
      const endOffset = Math.min(log.length, startOffset + mostFrames[partition]!);
      if (paused.includes(partition) || startOffset === endOffset) return;
      const batch = batchOf(log.slice(startOffset, endOffset), startOffset, this.#place);
      const read = this.#processor.process(
        { topic: 'frames', partition, batch, startOffset, endOffset },
        this.#output,
      );
      assert.equal(read, endOffset - startOffset);
      this.#next[partition] = endOffset;
    });
    const positions = this.#logs.map(
      (log, partition) =>
        [partition, { nextOffset: this.#next[partition]!, lastStableOffset: log.length }] as const,
    );
    this.#processor.tick(this.#nowMs, new Map(positions), this.#output);
    for (const { key, value } of this.#processor.snapshot(this.#output)) {
      if (value === null) this.state.delete(key);
      else this.state.set(key, value);
    }
  }

  /** A turn every second. */
  pass(seconds: number): void {
    for (let i = 0; i < seconds; i++) {
      this.#nowMs += 1_000;
      this.turn();
    }
  }

  get paused(): readonly number[] {
    return this.#processor.paused();
  }

  get isReadToTheEnd(): boolean {
    return this.#logs.every((log, partition) => this.#next[partition] === log.length);
  }

  get counts(): Record<string, number> {
    return this.#processor.counts();
  }

  get openWindows(): number {
    return [...this.state.keys()].filter((key) => key.startsWith('window/')).length;
  }

  /** `reading`, `idle` or `ended`; a partition that never told anything is being read. */
  reading(partition: number): string {
    const stored = this.state.get(`partition/${partition}`);
    return stored === undefined ? 'reading' : (JSON.parse(stored.toString()) as { reading: string }).reading;
  }
}

const reasonOf = ({ headers = [] }: OutputRecord): string =>
  headers.find(({ name }) => name === 'tidemark.reason')!.value!.toString();

function batchOf(
  frames: readonly (number | string)[],
  baseOffset: number,
  place: (sealed: Buffer) => Buffer,
): RecordBatch {
  const builder = new RecordBatchBuilder();
  for (const frame of frames) {
    const text = typeof frame === 'string' ? frame : `{"ts":${frame},"uid":"u"}`;
    builder.append({ timestampMs: 0, key: null, value: Buffer.from(text) });
  }
  const bytes = place(builder.seal());
  bytes.writeBigInt64BE(BigInt(baseOffset), 0);
  return new RecordBatch(bytes, 0, bytes.length);
}

/** As the engine's responses lie: where the records of a batch can be scanned together. */
function scannably(sealed: Buffer): Buffer {
  const bytes = Buffer.from(scannable(sealed.length), ROOM_AT, sealed.length);
  sealed.copy(bytes);
  return bytes;
}

describe('processor of unique users', () => {
  it('decides alike on records scanned together and read one by one, held and refused ones among them', () => {
    const frame = fc.oneof(
      { weight: 8, arbitrary: fc.integer({ min: START - HOUR, max: START + 2 * HOUR }) },
      fc.constantFrom<number | string>(
        WILD,
        START + 9 * HOUR,
        START - 9 * HOUR,
        '',
        '{"ts":1',
        '{"uid":"u"}',
      ),
    );
    fc.assert(
      fc.property(fc.array(frame, { maxLength: 60 }), fc.integer({ min: 1, max: 20 }), (frames, atOnce) => {
        const [together, oneByOne] = [new Driven(1, scannably), new Driven(1)].map((slice) => {
          slice.append(0, frames);
          while (!slice.isReadToTheEnd) slice.turn([atOnce]);
          slice.pass(20);
          return { ...slice, counts: slice.counts, reading: slice.reading(0) };
        });
        assert.deepEqual(together, oneByOne);
      }),
    );
  });

  it('waits ten seconds for a partition that brings nothing, and no longer', () => {
    const slice = new Driven(2);
    slice.append(0, many(K, START));
    slice.pass(9);
    assert.equal(slice.reading(1), 'reading');
    slice.pass(1);
    assert.equal(slice.reading(1), 'idle');
  });

  it('waits no longer for one that brings only what is not counted', () => {
    const slice = new Driven(4);
    slice.append(1, many(K, START + 5 * HOUR));
    for (let i = 0; i < 12; i++) {
      slice.append(0, ['{']);
      slice.append(1, [START]);
      slice.append(2, [WILD + i * 2 * HOUR]);
      slice.append(3, many(K, START));
      slice.pass(1);
    }
    assert.deepEqual(
      [0, 1, 2, 3].map((partition) => slice.reading(partition)),
      ['idle', 'idle', 'idle', 'reading'],
    );
  });

  it('waits for one whose frames are counted, late ones as well', () => {
    const slice = new Driven(1);
    slice.append(0, many(K, START));
    for (let i = 0; i < 30; i++) {
      slice.append(0, [START - 60]);
      slice.pass(1);
    }
    assert.equal(slice.reading(0), 'reading');
  });

  it('reads an idle partition no differently for one wild frame, which goes to quarantine when no other comes', () => {
    const slice = new Driven(2);
    slice.append(0, many(K, START));
    slice.pass(10);
    slice.append(1, [WILD]);
    slice.append(0, many(K, START + 9 * HOUR));
    slice.pass(10);
    assert.deepEqual([slice.reading(1), slice.rejected], ['idle', []]);
    slice.pass(1);
    assert.deepEqual([slice.reading(1), slice.rejected], ['idle', ['unconfirmed']]);
  });

  it('pauses nobody for the one frame of a partition that had been idle for hours, and all for its return', () => {
    const slice = new Driven(2);
    slice.append(1, many(K, START));
    slice.pass(10);
    slice.append(0, many(K, START + 8 * HOUR));
    slice.append(1, [START + 8 * HOUR]);
    slice.pass(1);
    assert.deepEqual([slice.reading(1), slice.paused], ['idle', []]);
    // Its backlog: what was written for it meanwhile.
    slice.append(1, many(K, START + HOUR));
    slice.pass(1);
    assert.deepEqual([slice.reading(1), slice.paused], ['reading', [0]]);
  });

  it('lets a partition start however slowly its frames come, without waiting for it', () => {
    const slice = new Driven(2);
    for (let i = 0; i < K; i++) {
      slice.append(0, many(K, START + 9 * i));
      slice.append(1, [START + 9 * i]);
      assert.equal(slice.counts.accept, K * i, 'held');
      slice.pass(9);
      assert.equal(slice.reading(1), i === 0 || i === K - 1 ? 'reading' : 'idle');
    }
    assert.equal(slice.counts.accept, K * K + K);
    assert.deepEqual(slice.rejected, []);
  });

  it('takes no paused partition for an idle one, nor right after it is read again', () => {
    const slice = new Driven(2);
    slice.append(0, many(K, START));
    slice.append(1, [...many(K, START + 7 * HOUR), WILD]);
    slice.pass(1);
    assert.deepEqual(slice.paused, [1]);
    for (let i = 0; i < 30; i++) {
      slice.append(0, [START]);
      slice.pass(1);
      assert.deepEqual([slice.reading(1), slice.rejected], ['reading', []]);
    }
    slice.append(0, many(2 * K, START + 2 * HOUR));
    slice.pass(1);
    assert.deepEqual([slice.paused, slice.reading(1)], [[], 'reading']);
    slice.pass(10);
    assert.deepEqual([slice.reading(1), slice.rejected], ['idle', ['unconfirmed']]);
  });

  it('keeps few windows open however unevenly partitions are read', () => {
    const slice = new Driven(2);
    const days = 20;
    const minutes = days * 24 * 60;
    const times = Array.from({ length: minutes }, (_, i) => START + 60 * i);
    slice.append(0, times);
    slice.append(1, times);
    const perTurn = 50;
    let most = 0;
    let pauses = 0;
    while (!slice.isReadToTheEnd) {
      slice.turn([perTurn, 5]);
      most = Math.max(most, slice.openWindows);
      if (slice.paused.includes(0)) pauses += 1;
    }
    assert.equal(slice.counts.accept, 2 * minutes);
    assert.ok(pauses > 0);
    // The skew, what one more turn brings, the lateness, and what time is behind the newest frame.
    const open = SKEW_S / 60 + perTurn + HOUR / 60 + 2 * K;
    const allKinds = open + Math.ceil(open / 60) + 1 + 2 * 4;
    assert.ok(most > SKEW_S / 60 && most <= allKinds, `${most} windows open at once, ${allKinds} allowed`);
  });
});

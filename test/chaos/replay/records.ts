import assert from 'node:assert/strict';
import type { KafkaMessage } from 'kafkajs';
import { decodeProvenance, PROVENANCE_HEADER } from '../../../src/core/provenance.js';

/** The records of topic A, each a function of (seed, partition, index): whoever checks B makes them again. */
export interface SourceRecord {
  readonly key: string | null;
  readonly value: string | null;
  readonly timestampMs: number;
  readonly headers: Record<string, string>;
}

export const PARTITIONS = 4;
export const WINDOW = { fromMs: Date.UTC(2021, 6, 11, 11), toMs: Date.UTC(2021, 6, 11, 13) };
/** Records of a transaction that is aborted in the middle of every partition: nobody may ever see them. */
export const ABORTED = 250;

/** SplitMix32-like: spreads (seed, partition, index) over 32 bits. */
function spread(seed: number, partition: number, index: number): number {
  let z = (seed + Math.imul(partition + 1, 0x9e3779b9) + Math.imul(index + 1, 0x85ebca6b)) | 0;
  z = Math.imul(z ^ (z >>> 16), 0x21f0aaad);
  z = Math.imul(z ^ (z >>> 15), 0x735a2d97);
  return (z ^ (z >>> 15)) >>> 0;
}

export function recordOf(seed: number, partition: number, index: number): SourceRecord {
  const random = spread(seed, partition, index);
  // Four hours around the window, out of order everywhere: half of the records lie inside.
  const timestampMs = WINDOW.fromMs - 3_600_000 + (random % 14_400_000);
  const tombstone = random % 97 === 0;
  return {
    key: random % 31 === 0 ? null : `${String(partition)}/${String(random % 5000)}`,
    value: tombstone
      ? null
      : `{"partition":${String(partition)},"index":${String(index)},"random":${String(random)}}`,
    timestampMs,
    headers: random % 7 === 0 ? { trace: String(random) } : {},
  };
}

/** The filter's exact answer, said in other words than the engine's. */
export const isExpected = (record: SourceRecord): boolean =>
  new Date(record.timestampMs).toISOString() >= '2021-07-11T11:00:00.000Z' &&
  new Date(record.timestampMs).toISOString() < '2021-07-11T13:00:00.000Z';

/** Where `index` lies in A: after the first half come the aborted records and their marker. */
export const offsetOf = (index: number, perPartition: number): number =>
  index < perPartition / 2 ? index : index + ABORTED + 1;

export interface Comparison {
  readonly expected: number;
  readonly found: number;
  readonly lost: number;
  readonly doubled: number;
  /** Records with other content, in the wrong partition or out of order, or that nobody asked for. */
  readonly different: number;
  readonly samples?: readonly string[];
}

/** Compares what B holds with the exact answer, record by record. */
export class Checker {
  readonly #seed: number;
  readonly #perPartition: number;
  readonly #topicId: string;
  readonly #seen: Uint8Array[];
  readonly #last = Array.from({ length: PARTITIONS }, () => -1);
  readonly #indexOf: Map<number, number>;
  /** The first faults, for whoever has to understand them. */
  readonly samples: string[] = [];
  #found = 0;
  #different = 0;

  constructor(seed: number, perPartition: number, topicId: string) {
    this.#seed = seed;
    this.#perPartition = perPartition;
    this.#topicId = topicId;
    this.#seen = Array.from({ length: PARTITIONS }, () => new Uint8Array(perPartition));
    this.#indexOf = new Map(
      Array.from({ length: perPartition }, (_, index) => [offsetOf(index, perPartition), index]),
    );
  }

  take(partition: number, message: KafkaMessage): void {
    this.#found++;
    const { [PROVENANCE_HEADER]: header, ...headers } = message.headers ?? {};
    const provenance = Buffer.isBuffer(header) ? decodeProvenance(header) : undefined;
    const index = provenance && this.#indexOf.get(provenance.offset);
    if (provenance === undefined || index === undefined || provenance.topicId !== this.#topicId) {
      this.#note(
        `${String(partition)}@${message.offset}: no provenance of ours ${JSON.stringify(provenance)}`,
      );
      return;
    }
    const expected = recordOf(this.#seed, provenance.partition, index);
    const found: SourceRecord = {
      key: message.key?.toString() ?? null,
      value: message.value?.toString() ?? null,
      timestampMs: Number(message.timestamp),
      headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)])),
    };
    const same = JSON.stringify(found) === JSON.stringify(expected) && isExpected(expected);
    const inOrder = provenance.partition === partition && index > (this.#last[partition] ?? -1);
    if (!same || !inOrder) {
      const last = String(this.#last[partition]);
      this.#note(
        `${String(partition)}@${message.offset}: index ${String(index)} after ${last}, ${JSON.stringify(found)} for ${JSON.stringify(expected)}`,
      );
    }
    this.#last[partition] = index;
    const seen = this.#seen[provenance.partition];
    assert.ok(seen);
    seen[index] = Math.min(255, (seen[index] ?? 0) + 1);
  }

  #note(fault: string): void {
    this.#different++;
    if (this.samples.length < 5) this.samples.push(fault);
  }

  result(): Comparison {
    let expected = 0;
    let lost = 0;
    let doubled = 0;
    for (const [partition, seen] of this.#seen.entries()) {
      for (let index = 0; index < this.#perPartition; index++) {
        const times = seen[index] ?? 0;
        doubled += Math.max(0, times - 1);
        if (!isExpected(recordOf(this.#seed, partition, index))) continue;
        expected++;
        if (times === 0) lost++;
      }
    }
    const samples = this.samples.length > 0 ? { samples: this.samples } : {};
    return { expected, found: this.#found, lost, doubled, different: this.#different, ...samples };
  }
}

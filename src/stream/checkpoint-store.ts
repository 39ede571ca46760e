import { PipelineError } from '../core/errors.js';
import type { Checkpoint } from './checkpoint-schema.js';
import type { KafkaConnection } from './kafka-connection.js';
import { listOffsets } from './list-offsets.js';
import { LogReader } from './log-reader.js';
import type { OutputRecord } from './record-batch-builder.js';
import { EARLIEST, LATEST, READ_UNCOMMITTED } from './requests.js';

/** Compacted; every stream job's offsets and state, written in the transaction of the output they stand for. */
export const CHECKPOINT_TOPIC = 'tidemark.checkpoints';

/** One entry of a processor's state; a null value removes it. */
export interface StateRecord {
  readonly key: string;
  readonly value: Buffer | null;
}

export interface Restored {
  readonly checkpoint: Checkpoint | undefined;
  /** The newest entry of every key that was not removed. */
  readonly state: StateRecord[];
  /** Records that had to be read. */
  readonly recordsRead: number;
}

export interface CheckpointPlace {
  readonly topic: string;
  readonly partition: number;
  /** The slice's name; the partition may be shared with other slices, the name may not. */
  readonly slice: string;
}

/** Keys are `<slice>` for the checkpoint and `<slice>\0<key>` for the state, so that compaction keeps the newest of each. */
const SEPARATOR = '\0';

export function checkpointRecord(
  place: CheckpointPlace,
  checkpoint: Checkpoint,
  nowMs: number,
): OutputRecord {
  return {
    timestampMs: nowMs,
    key: Buffer.from(place.slice),
    value: Buffer.from(JSON.stringify(checkpoint)),
  };
}

export function stateRecord(place: CheckpointPlace, state: StateRecord, nowMs: number): OutputRecord {
  return { timestampMs: nowMs, key: Buffer.from(place.slice + SEPARATOR + state.key), value: state.value };
}

/**
 * Reads a slice's newest checkpoint and state. Call it after the slice's transactional id was taken over: then nothing of
 * the slice is undecided below the high watermark. It reads up to that, not to the last stable offset: in a shared
 * partition a neighbour's open transaction holds the latter below our own newest checkpoint.
 */
export async function restore(connection: KafkaConnection, place: CheckpointPlace): Promise<Restored> {
  const { topic, partition } = place;
  const bound = async (timestamp: number): Promise<number> => {
    const listed = await listOffsets(connection, topic, [partition], timestamp, READ_UNCOMMITTED);
    return listed.get(partition)?.offset ?? 0;
  };
  const endOffset = await bound(LATEST);
  const startOffset = await bound(EARLIEST);
  const reader = new LogReader(connection, topic, [{ partition, startOffset, endOffset }], { maxWaitMs: 50 });
  const own = Buffer.from(place.slice);
  const state = new Map<string, Buffer>();
  let newest: Buffer | undefined;
  let recordsRead = 0;
  for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
    for (const event of events) {
      if (event.kind === 'gap') continue; // compaction moved the start: what it removed has newer versions
      for (const batch of event.batches()) {
        const cursor = batch.records(event.startOffset, event.endOffset);
        while (cursor.next()) {
          recordsRead++;
          const key = cursor.key();
          if (key === null || !key.subarray(0, own.length).equals(own)) continue;
          const value = cursor.value();
          if (key.length === own.length) newest = value === null ? undefined : Buffer.from(value);
          else if (key[own.length] === 0) keep(state, key.toString('utf8', own.length + 1), value);
        }
      }
    }
  }
  return {
    checkpoint: newest && (await parseCheckpoint(newest, place)),
    state: [...state].map(([key, value]) => ({ key, value })),
    recordsRead,
  };
}

function keep(state: Map<string, Buffer>, key: string, value: Buffer | null): void {
  if (value === null) state.delete(key);
  else state.set(key, Buffer.from(value));
}

async function parseCheckpoint(value: Buffer, place: CheckpointPlace): Promise<Checkpoint> {
  let json: unknown;
  try {
    json = JSON.parse(value.toString('utf8'));
  } catch (cause) {
    throw unreadable(place, cause);
  }
  // To load it takes as long as to read some ten thousand records: only who has a checkpoint waits for it.
  const { CheckpointSchema } = await import('./checkpoint-schema.js');
  const parsed = CheckpointSchema.safeParse(json);
  if (!parsed.success) throw unreadable(place, parsed.error);
  return parsed.data;
}

const unreadable = (place: CheckpointPlace, cause: unknown): PipelineError =>
  new PipelineError(
    'BAD_CHECKPOINT',
    `reading the checkpoint of ${place.slice}: not one this version writes`,
    {
      at: { topic: place.topic, partition: place.partition },
      cause,
    },
  );

import type { TargetLimits } from '../core/replay-target.js';
import { readLimits, type TopicAdmin } from './topic-limits.js';
import { MAX_BATCH_BYTES } from './transactional-writer.js';

/**
 * How large records may be that a job writes. A broker refuses a larger one than `max.message.bytes` of its topic for good,
 * which ends the job: so topics are made for the largest, and those that are there are looked at before the first is written.
 */

/** What a dead letter's headers take at most, codes and coordinates, beside what the record came with. */
const HEADERS_BYTES = 4 * 1024;
/** What a batch and a record take beside key and value, with room. */
const RECORD_BYTES = 1024;
/** A state is one record: that of a window has all counted fields, that of a frame which is held the frame. */
const STATE_BYTES = 8 * 1024 * 1024;

/**
 * The largest dead letter of a source: a batch of a record may be as large as the source allows, and has our headers on top. (A broker looks at
 * batches as they are compressed: of a source whose frames are larger than that before, none that is refused fits.)
 */
export const letterBytes = (source: Pick<TargetLimits, 'maxMessageBytes'>): number =>
  source.maxMessageBytes + HEADERS_BYTES;

/** Of a record with a value of so many bytes; several small ones fill a batch, which is refused by its own size. */
export const recordBytes = (valueBytes: number): number =>
  Math.max(valueBytes, MAX_BATCH_BYTES) + RECORD_BYTES;

/** Setting of a topic that is to take records of so many bytes. */
export const takes = (bytes: number): Readonly<Record<string, string>> => ({
  'max.message.bytes': String(bytes),
});

/** Of a topic of states, to be made before it is known what states a job has. */
export const takesStates = (bytes = 0): Readonly<Record<string, string>> =>
  takes(Math.max(bytes, STATE_BYTES));

/** What is wrong with topics that are there: each that does not take records as large as it must. */
export async function sizeFaults(
  admin: TopicAdmin,
  needed: readonly (readonly [topic: string, bytes: number])[],
): Promise<string[]> {
  const faults = await Promise.all(
    needed.map(async ([topic, bytes]) => {
      const { maxMessageBytes } = await readLimits(admin, topic);
      return maxMessageBytes < bytes
        ? [`${topic} must take records of ${bytes} bytes (max.message.bytes)`]
        : [];
    }),
  );
  return faults.flat();
}

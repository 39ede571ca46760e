import { Long, ObjectId, type AnyBulkWriteOperation, type Collection } from 'mongodb';
import { PipelineError } from '../../core/errors.js';
import type { EventChange, EventOperation } from '../events.js';
import type { EventId } from '../keys.js';
import type { Payload } from '../payloads.js';
import { segments, type Write } from './segments.js';

/** A document as the driver writes it. */
export interface StoredEvent {
  _id: string | ObjectId;
  user_id: Long | number;
  event_type: string;
  ts: Date;
  payload: Payload;
}

/** Unordered bulk writes; operations on the same event never share one, so that their order is kept. */
export function eventWriter(collection: Collection<StoredEvent>): Write<EventOperation> {
  return async (batch) => {
    for (const segment of segments(batch, (operation) => [operation.ordinal])) {
      await writeSegment(collection, segment);
    }
  };
}

/** @throws PipelineError `SOURCE_CHANGED` when other documents were there than the run itself had written. */
async function writeSegment(
  collection: Collection<StoredEvent>,
  operations: readonly EventOperation[],
): Promise<void> {
  const written = await collection.bulkWrite(operations.map(toBulk), { ordered: false });
  const found = written.insertedCount + written.matchedCount + written.deletedCount;
  if (found === operations.length) return;
  throw new PipelineError(
    'SOURCE_CHANGED',
    `writing events: ${found} of ${operations.length} documents were there; someone else changes events of this seed`,
    { at: { table: collection.namespace } },
  );
}

function toBulk(operation: EventOperation): AnyBulkWriteOperation<StoredEvent> {
  const _id = toBsonId(operation._id);
  switch (operation.op) {
    case 'insert': {
      const { user_id, event_type, ts, payload } = operation.event;
      const document = {
        _id,
        user_id: toBsonUserId(user_id, operation.ordinal),
        event_type,
        ts: new Date(ts),
        payload,
      };
      return { insertOne: { document } };
    }
    case 'update':
      return { updateOne: { filter: { _id }, update: { $set: toBsonChange(operation.set) } } };
    case 'delete':
      return { deleteOne: { filter: { _id } } };
  }
}

export const toBsonId = (id: EventId): string | ObjectId =>
  typeof id === 'string' ? id : ObjectId.createFromHexString(id.$oid);

/** 64 bits; one in eight as the driver of a careless application writes a small number: 32 bits. */
function toBsonUserId(userId: string, ordinal: number): Long | number {
  const small = Number(userId);
  return ordinal % 8 === 5 && small < 2 ** 31 ? small : Long.fromString(userId);
}

function toBsonChange({ ts, ...others }: EventChange): Partial<StoredEvent> {
  return ts === undefined ? others : { ...others, ts: new Date(ts) };
}

import type { MongoClient } from 'mongodb';
import { serviceFault } from '../clients/fault.js';
import { EVENTS_COLLECTION } from '../core/names.js';
import type { EventMark } from '../messages.js';

export interface MongoDeps {
  readonly mongo: Pick<MongoClient, 'db'>;
  /** Database of the events. */
  readonly mongoDatabase: string;
}

export type MongoActivities = ReturnType<typeof createMongoActivities>;

export function createMongoActivities({ mongo, mongoDatabase }: MongoDeps) {
  const events = () => mongo.db(mongoDatabase).collection<{ _id: string }>(EVENTS_COLLECTION);

  return {
    /** Writes a mark; again: changes nothing. Reserved events are shown nowhere; this one lies at the epoch. */
    async markEvents({ id }: EventMark): Promise<void> {
      const mark = { user_id: null, event_type: 'barrier', ts: new Date(0), payload: {} };
      try {
        await events().updateOne(
          { _id: id },
          { $setOnInsert: mark },
          { upsert: true, writeConcern: { w: 'majority' } },
        );
      } catch (cause) {
        throw serviceFault('mongo', 'marking the events', cause);
      }
    },

    async removeMark({ id }: EventMark): Promise<void> {
      try {
        await events().deleteOne({ _id: id });
      } catch (cause) {
        throw serviceFault('mongo', 'removing a mark from the events', cause);
      }
    },
  };
}

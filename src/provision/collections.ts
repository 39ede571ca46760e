import type { MongoClient } from 'mongodb';
import type { Config } from '../config.js';
import { EVENTS_COLLECTION } from '../core/names.js';

/** The source of events: pre-images on, so that a deleted or moved event tells the day it was on. Idempotent. */
export async function createEventsCollection(mongo: MongoClient, config: Config): Promise<void> {
  const db = mongo.db(config.mongo.database);
  const existing = await db.listCollections({ name: EVENTS_COLLECTION }).toArray();
  if (existing.length === 0) {
    await db.createCollection(EVENTS_COLLECTION, { changeStreamPreAndPostImages: { enabled: true } });
  } else {
    await db.command({ collMod: EVENTS_COLLECTION, changeStreamPreAndPostImages: { enabled: true } });
  }
}

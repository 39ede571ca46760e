import { Long, type Db, type MongoClient } from 'mongodb';
import type { Pool, PoolClient } from 'pg';
import { Random } from '../../src/generate/random.js';

/** Few keys, so that the same row is deleted, inserted again and moved many times. */
const USER_KEYS = 60;
const EVENT_KEYS = 120;
const FIRST_DAY_MS = Date.UTC(2026, 9, 30);
const DAYS = 5;
const DAY_MS = 86_400_000;

/**
 * Writes a seeded mix of changes to both sources until told to stop. What is right afterwards is asked of the sources
 * themselves, so nothing here has to predict it.
 */
export class SourceWriter {
  /** Messages that the committed changes make, tombstones left out: what bronze must come to hold of them. */
  userMessages = 0;
  eventMessages = 0;
  private stopping = false;
  private running: Promise<void> | undefined;
  // One sequence for each source: they write at the same time, and neither may disturb the other's choices.
  private readonly userChoices: Random;
  private readonly eventChoices: Random;

  private readonly postgres: Pool;
  private readonly mongo: MongoClient;
  private readonly db: Db;

  constructor(postgres: Pool, mongo: MongoClient, db: Db, seed: number) {
    this.postgres = postgres;
    this.mongo = mongo;
    this.db = db;
    this.userChoices = Random.of(seed, 1);
    this.eventChoices = Random.of(seed, 2);
  }

  start(): void {
    this.stopping = false;
    this.running = Promise.all([this.writeUsers(), this.writeEvents()]).then(() => undefined);
    // Reported by stop(); without this the process would end before it is asked.
    this.running.catch(() => undefined);
  }

  async stop(): Promise<void> {
    this.stopping = true;
    await this.running;
  }

  /** A fixed number of transactions on each source, for tests without a kill. */
  async write(transactions: number): Promise<void> {
    for (let i = 0; i < transactions; i++) {
      await this.userTransaction();
      await this.eventWrite();
    }
  }

  private async writeUsers(): Promise<void> {
    while (!this.stopping) await this.userTransaction();
  }

  private async writeEvents(): Promise<void> {
    while (!this.stopping) await this.eventWrite();
  }

  private async userTransaction(): Promise<void> {
    const client = await this.postgres.connect();
    try {
      await client.query('BEGIN');
      let messages = 0;
      for (let left = this.userChoices.int(1, 8); left > 0; left--) messages += await this.userChange(client);
      const commits = this.userChoices.int(0, 10) > 0;
      await client.query(commits ? 'COMMIT' : 'ROLLBACK');
      if (commits) this.userMessages += messages;
    } finally {
      client.release();
    }
  }

  /** One change of one key, by what is there now; returns the messages it makes. */
  private async userChange(client: PoolClient): Promise<number> {
    const key = this.userChoices.int(1, USER_KEYS);
    const name = `Name ${this.userChoices.int(0, 1_000_000)} "é" \\ 漢`;
    const kind = this.userChoices.int(0, 100);
    if (kind < 35) {
      const inserted = await client.query(
        'INSERT INTO users (user_id, full_name, email) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING',
        [key, name, `${key}@example.com`],
      );
      return inserted.rowCount ?? 0;
    }
    if (kind < 65) {
      const updated = await client.query(
        'UPDATE users SET full_name = $2, updated_at = now() WHERE user_id = $1',
        [key, name],
      );
      return updated.rowCount ?? 0;
    }
    if (kind < 88) {
      const deleted = await client.query('DELETE FROM users WHERE user_id = $1', [key]);
      return deleted.rowCount ?? 0;
    }
    // A changed key is a delete of the old one and an insert of the new one.
    const moved = await client.query(
      'UPDATE users SET user_id = $2 WHERE user_id = $1 AND NOT EXISTS (SELECT FROM users WHERE user_id = $2)',
      [key, this.userChoices.int(1, USER_KEYS)],
    );
    return 2 * (moved.rowCount ?? 0);
  }

  private async eventWrite(): Promise<void> {
    if (this.eventChoices.int(0, 10) > 0) {
      this.eventMessages += await this.eventChange();
      return;
    }
    // Writes of one transaction share `ord`: only the order within the topic tells them apart.
    const key = this.eventChoices.int(0, EVENT_KEYS);
    await this.mongo.withSession((session) =>
      session.withTransaction(async () => {
        const events = this.db.collection<EventDocument>('events');
        for (let i = 0; i < 3; i++) {
          await events.replaceOne({ _id: eventKey(key) }, this.document(), { upsert: true, session });
        }
      }),
    );
    this.eventMessages += 3;
  }

  private async eventChange(): Promise<number> {
    const events = this.db.collection<EventDocument>('events');
    const _id = eventKey(this.eventChoices.int(0, EVENT_KEYS));
    const kind = this.eventChoices.int(0, 100);
    if (kind < 45) {
      const written = await events.updateOne({ _id }, { $setOnInsert: this.document() }, { upsert: true });
      return written.upsertedCount;
    }
    if (kind < 60) {
      // The nonce makes every update a change: a write that changes nothing makes no message.
      const written = await events.updateOne(
        { _id },
        { $set: { 'payload.nonce': this.eventChoices.int(0, 2 ** 31) } },
      );
      return written.modifiedCount;
    }
    if (kind < 80) {
      const written = await events.updateOne(
        { _id },
        { $set: { ts: this.time(), 'payload.nonce': this.eventChoices.int(0, 2 ** 31) } },
      );
      return written.modifiedCount;
    }
    const written = await events.deleteOne({ _id });
    return written.deletedCount;
  }

  private time(): Date {
    return new Date(FIRST_DAY_MS + this.eventChoices.int(0, DAYS * DAY_MS));
  }

  private document(): Omit<EventDocument, '_id'> {
    return {
      user_id: Long.fromNumber(this.eventChoices.int(1, USER_KEYS + 20)),
      event_type: this.eventChoices.pick(['login', 'page_view', 'add_to_cart']),
      ts: this.time(),
      payload: {
        nonce: this.eventChoices.int(0, 2 ** 31),
        nested: { list: [1, 'two "quoted"', null], text: 'ü\n漢' },
      },
    };
  }
}

export interface EventDocument {
  _id: string;
  user_id: Long;
  event_type: string;
  ts: Date;
  payload: Record<string, unknown>;
}

const eventKey = (key: number): string => `event-${key}`;

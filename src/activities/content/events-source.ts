import { hash } from 'node:crypto';
import { BSON, Long, type Collection, type FindOptions } from 'mongodb';
import { serviceFault } from '../../clients/fault.js';
import { contains, digestOf, evenRanges, type Chunk, type KeyRange } from '../../core/content.js';
import {
  eventKey,
  eventText,
  idJson,
  idText,
  normalised,
  silverEvent,
  WHOLE_NUMBER,
  type SourceEvent,
} from '../../core/events-content.js';
import { CANARY_EVENT_PREFIX } from '../../core/ids.js';
import type { Progress } from './content-table.js';

/** Documents in one batch of a scan, and identities in one look-up. */
const BATCH_DOCUMENTS = 2_000;
/** How many documents go by between two words about it. */
const TELL_EVERY = 50_000;

/** 64-bit integers stay exact only when they are not turned into doubles. */
const EXACT: FindOptions = {
  promoteLongs: false,
  batchSize: BATCH_DOCUMENTS,
  projection: { user_id: 1, event_type: 1, ts: 1, payload: 1 },
};

/** Any BSON value; the driver's types want one that they know. */
type IdValue = string;

/** A document, and the key by which a reconciliation calls it. */
export interface KeyedEvent {
  readonly key: string;
  readonly document: SourceEvent;
}

/**
 * The collection of events. MongoDB has no expression that gives a hash of a document as silver keeps it, so documents are
 * streamed and hashed here, as they are in silver by ClickHouse itself. Keys are hashes of the identity: ids of all BSON
 * types have no order in common with their text, and a range of them need not have an index.
 */
export class EventsSource {
  /** Documents of the last scan that silver cannot place on a day. */
  unplaced = 0;
  readonly #collection: Collection<{ _id: IdValue }>;
  readonly #hold: Progress;

  constructor(collection: Collection<{ _id: IdValue }>, hold: Progress) {
    this.#collection = collection;
    this.#hold = hold;
  }

  /** As many as the collection says it has, from its metadata. */
  estimatedRows(): Promise<number> {
    return this.#asking(() => this.#collection.estimatedDocumentCount());
  }

  /** Digests of `2^bits` even ranges of keys, in one scan. */
  async digests(bits: number): Promise<Chunk[]> {
    const parts = 2 ** bits;
    const rows = new Float64Array(parts);
    const high = new BigUint64Array(parts);
    const low = new BigUint64Array(parts);
    this.unplaced = 0;
    await this.#scan(EXACT, (document) => {
      const event = silverEvent(document);
      if (event === undefined) {
        this.unplaced += 1;
        return;
      }
      const id = idText(document._id);
      const part = Number(keyOf(id) >> BigInt(64 - bits));
      const md5 = hash('md5', eventText(id, event), 'buffer');
      rows[part]! += 1;
      high[part]! += md5.readBigUInt64BE(0);
      low[part]! += md5.readBigUInt64BE(8);
    });
    return evenRanges(parts).map((range, i) => ({ range, digest: digestOf(rows[i]!, high[i]!, low[i]!) }));
  }

  /** Identities whose keys lie in ranges, in one scan of all; no more than `limit`, and then one more. */
  async idsIn(ranges: readonly KeyRange[], limit: number): Promise<unknown[]> {
    const ids: unknown[] = [];
    const options = { ...EXACT, projection: { _id: 1 } };
    await this.#scan(options, ({ _id }) => {
      if (ids.length <= limit && contains(ranges, keyOf(idText(_id)))) ids.push(_id);
    });
    return ids;
  }

  /** The documents of some identities. */
  async byIds(ids: readonly unknown[], options: FindOptions = {}): Promise<KeyedEvent[]> {
    const found: KeyedEvent[] = [];
    for (let at = 0; at < ids.length; at += BATCH_DOCUMENTS) {
      this.#hold.signal.throwIfAborted();
      const wanted = ids.slice(at, at + BATCH_DOCUMENTS) as IdValue[];
      const documents = await this.#asking(() =>
        this.#collection.find({ _id: { $in: wanted } }, { ...EXACT, ...options }).toArray(),
      );
      found.push(...documents.map((document) => ({ key: eventKey(idJson(document._id)), document })));
    }
    return found;
  }

  async #scan(options: FindOptions, see: (document: SourceEvent) => void): Promise<void> {
    const { signal, progress } = this.#hold;
    await this.#asking(async () => {
      let seen = 0;
      for await (const document of this.#collection.find({}, options)) {
        if (++seen % TELL_EVERY === 0) {
          signal.throwIfAborted();
          progress(`reading events, ${seen} so far`);
        }
        if (!isReserved(document._id)) see(document);
      }
    });
  }

  async #asking<T>(ask: () => Promise<T>): Promise<T> {
    try {
      return await ask();
    } catch (cause) {
      this.#hold.signal.throwIfAborted();
      throw serviceFault('mongo', 'reading events to compare them', cause);
    }
  }
}

const isReserved = (id: unknown): boolean => typeof id === 'string' && id.startsWith(CANARY_EVENT_PREFIX);

/** The first 64 bits of the identity's MD5. */
const keyOf = (id: string): bigint => hash('md5', id, 'buffer').readBigUInt64BE(0);

/** What a document's row is in silver, in one form; undefined where silver cannot have it. */
export function contentOf(document: SourceEvent): string | undefined {
  const event = silverEvent(document);
  if (event === undefined) return undefined;
  return normalised(new Date(event.tsMs).toISOString().slice(0, 10), event);
}

/** The identity that an event's key stands for. Numbers of all types are the same identity to MongoDB. */
export const idOfKey = (key: string): unknown => {
  if (WHOLE_NUMBER.test(key)) return Long.fromString(key);
  const id: unknown = JSON.parse(key);
  return typeof id === 'string' ? id : BSON.EJSON.parse(key, { relaxed: false });
};

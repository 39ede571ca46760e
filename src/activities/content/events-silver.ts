import type { ClickHouseClient } from '@clickhouse/client';
import { serviceFault } from '../../clients/fault.js';
import { digestOf, NO_ROWS, type Digest, type KeyRange } from '../../core/content.js';
import { eventKey, idText, normalised } from '../../core/events-content.js';
import {
  bronzeEventIds,
  digestSilverEvents,
  listSilverEvents,
  observeSilverEvents,
  type SilverEventRow,
} from '../../core/events-content-sql.js';
import { idOfKey } from './events-source.js';

/** Keys and ranges in one statement: a text well below max_query_size. */
const KEYS_A_STATEMENT = 1_000;
const RANGES_A_STATEMENT = 500;

/** silver_events, rows as they count: FINAL. */
export class EventsSilver {
  readonly #clickhouse: Pick<ClickHouseClient, 'query'>;
  readonly #database: string;

  constructor(clickhouse: Pick<ClickHouseClient, 'query'>, database: string) {
    this.#clickhouse = clickhouse;
    this.#database = database;
  }

  /** Digests of `2^bits` even ranges of keys. */
  async digests(bits: number): Promise<Digest[]> {
    type Row = { part: string; rows: string; high: string; low: string };
    const rows = await this.#ask<Row>(digestSilverEvents(this.#database, bits));
    const digests = new Array<Digest>(2 ** bits).fill(NO_ROWS);
    for (const { part, rows: count, high, low } of rows) {
      digests[Number(part)] = digestOf(Number(count), high, low);
    }
    return digests;
  }

  /** Live rows of ranges of keys. */
  async list(ranges: readonly KeyRange[]): Promise<SilverEventRow[]> {
    const found: SilverEventRow[] = [];
    for (let at = 0; at < ranges.length; at += RANGES_A_STATEMENT) {
      const part = ranges.slice(at, at + RANGES_A_STATEMENT);
      for (const row of await this.#ask<SilverEventRow>(listSilverEvents(this.#database, part))) {
        found.push(row);
      }
    }
    return found;
  }

  /** All rows of some events, by key: on every day they are or were on. */
  async rowsOf(keys: readonly string[]): Promise<Map<string, SilverEventRow[]>> {
    const found = new Map<string, SilverEventRow[]>();
    for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT) {
      const texts = hexTexts(keys.slice(at, at + KEYS_A_STATEMENT));
      for (const row of await this.#ask<SilverEventRow>(observeSilverEvents(this.#database, texts))) {
        const key = eventKey(row.eventId);
        const known = found.get(key);
        if (known === undefined) found.set(key, [row]);
        else known.push(row);
      }
    }
    return found;
  }

  /** How bronze writes the ids of some events; those it never had are left out. */
  async bronzeIds(keys: readonly string[]): Promise<Map<string, string>> {
    const found = new Map<string, string>();
    for (let at = 0; at < keys.length; at += KEYS_A_STATEMENT) {
      const query = bronzeEventIds(this.#database, hexTexts(keys.slice(at, at + KEYS_A_STATEMENT)));
      for (const { eventId } of await this.#ask<{ eventId: string }>(query))
        found.set(eventKey(eventId), eventId);
    }
    return found;
  }

  async #ask<Row>(query: string): Promise<Row[]> {
    try {
      return await (await this.#clickhouse.query({ query, format: 'JSONEachRow' })).json<Row>();
    } catch (cause) {
      throw serviceFault('clickhouse', 'reading events of bronze and silver to compare them', cause);
    }
  }
}

const hexTexts = (keys: readonly string[]): string[] =>
  keys.map((key) => Buffer.from(idText(idOfKey(key)), 'utf8').toString('hex'));

/** One row's content; that of an event with live rows on two days is both, which no source has. */
export const contentOfRows = (rows: readonly SilverEventRow[]): string | null => {
  const live = rows.filter(({ isDeleted }) => !isDeleted).map((row) => normalised(row.day, row));
  return live.length === 0 ? null : live.sort().join('\n');
};

/** Another one after every change. */
export const tokenOfRows = (rows: readonly SilverEventRow[]): string =>
  rows
    .map(({ day, version, isDeleted }) => `${day} ${version}${isDeleted ? ' deleted' : ''}`)
    .sort()
    .join(', ') || '-';

import { hash } from 'node:crypto';
import { differingKeys, nextSteps, sameDigest } from '../../core/content.js';
import { eventKey } from '../../core/events-content.js';
import type { SilverEventRow } from '../../core/events-content-sql.js';
import { EVENTS_COLLECTION } from '../../core/names.js';
import type { CheckDeps } from '../checks/check.js';
import type { ContentLimits, ContentTable, Progress } from './content-table.js';
import { contentOfRows, EventsSilver, tokenOfRows } from './events-silver.js';
import { contentOf, EventsSource, idOfKey } from './events-source.js';
import type { Suspects } from './find-suspects.js';
import { repairEvents } from './repair-events.js';
import { eventsPosition } from './position.js';

/** Rows of one range of keys: what is listed for one differing event. */
const RANGE_ROWS = 100;
/** Memory of the digests: some megabytes. */
const MAX_BITS = 17;

export function eventsTable(
  deps: Omit<CheckDeps, 'temporal'>,
  hold: Progress,
  limits: ContentLimits,
  owner: string,
): ContentTable {
  const { clickhouse, mongo, config } = deps;
  const collection = mongo.db(config.mongo.database).collection<{ _id: string }>(EVENTS_COLLECTION);
  const source = new EventsSource(collection, hold);
  const silver = new EventsSilver(clickhouse, config.clickhouse.database);
  return {
    table: 'events',
    position: () =>
      eventsPosition(deps, { patienceMs: limits.patienceMs, progress: hold.progress }, `${owner}/content`),
    findSuspects: () => findSuspects(source, silver, hold, limits),
    async observe(keys) {
      const rows = await silver.rowsOf(keys);
      // After silver: core/difference.ts says why.
      const documents = await source.byIds(keys.map(idOfKey));
      const contents = new Map(documents.map(({ key, document }) => [key, contentOf(document)]));
      return keys.map((key) => {
        const present = rows.get(key) ?? [];
        return {
          key,
          token: tokenOfRows(present),
          silver: contentOfRows(present),
          source: contents.get(key) ?? null,
        };
      });
    },
    repair: (keys) => repairEvents(deps, silver, keys, hold),
  };
}

/** Two scans at most: one digests everything, the other finds the documents of the ranges that differ. */
async function findSuspects(
  source: EventsSource,
  silver: EventsSilver,
  { signal, progress }: Progress,
  { maxSuspects }: ContentLimits,
): Promise<Suspects> {
  progress('digesting every event on both sides');
  const bits = bitsFor(await source.estimatedRows());
  const [chunks, others] = await Promise.all([source.digests(bits), silver.digests(bits)]);
  const compared = chunks.map(({ range, digest }, i) => ({ range, source: digest, silver: others[i]! }));
  const unplaced = source.unplaced;
  const { list } = nextSteps(compared, { listRows: Infinity, parts: 2 });
  const rows = compared.reduce((sum, chunk) => sum + chunk.source.rows, 0);
  const differingChunks = compared.filter((chunk) => !sameDigest(chunk.source, chunk.silver)).length;
  const counts = { rows, chunks: chunks.length, differingChunks, unplaced };
  if (list.length === 0) return { ...counts, keys: [], cutShort: false };
  signal.throwIfAborted();
  progress(`listing ${differingChunks} differing ranges`);
  const there = contentsOf(await silver.list(list));
  const ids = await source.idsIn(list, maxSuspects);
  const here = new Map<string, string>();
  for (const { key, document } of await source.byIds(ids)) {
    const content = contentOf(document);
    if (content !== undefined) here.set(key, digest(content));
  }
  const keys = differingKeys(here, there);
  return { ...counts, keys: keys.slice(0, maxSuspects), cutShort: keys.length > maxSuspects };
}

const bitsFor = (rows: number): number =>
  Math.min(MAX_BITS, Math.max(6, Math.ceil(Math.log2(rows / RANGE_ROWS + 1))));

function contentsOf(rows: readonly SilverEventRow[]): Map<string, string> {
  const byKey = new Map<string, SilverEventRow[]>();
  for (const row of rows) {
    const key = eventKey(row.eventId);
    const known = byKey.get(key);
    if (known === undefined) byKey.set(key, [row]);
    else known.push(row);
  }
  return new Map([...byKey].map(([key, own]) => [key, digest(contentOfRows(own) ?? '')]));
}

const digest = (content: string): string => hash('md5', content, 'base64');

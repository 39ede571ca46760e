import assert from 'node:assert/strict';
import { addDays } from '../../../src/core/day.js';
import { fillStatement } from '../../../src/core/gold-sql.js';
import { useGoldStack } from '../../support/use-gold-stack.js';

const FIRST = '2019-01-01';
const DAYS = 90;
const ROWS_A_DAY = 20_000;
/** Rows of a granule (index_granularity): a day begins and ends within one. */
const GRANULE = 8_192;

describe('reading one day of silver', function () {
  this.timeout(120_000);
  const gold = useGoldStack();
  const day = addDays(FIRST, 45);

  before(async () => {
    await gold().clickhouse.command({
      query: `INSERT INTO silver_events (day, event_id, user_id, event_type, ts, payload, version)
              SELECT toDate('${FIRST}') + number % ${DAYS} AS at, '"pruning-' || toString(number) || '"', 1, 'login',
                     toDateTime64(at, 3, 'UTC'), '{}', 1
              FROM numbers(${DAYS * ROWS_A_DAY})`,
    });
  });

  async function explain<T>(kind: string, query: string): Promise<T[]> {
    const answer = await gold().clickhouse.query({
      query: `EXPLAIN ${kind} ${query}`,
      format: 'JSONEachRow',
    });
    return answer.json<T>();
  }

  const reading: [string, () => string][] = [
    ['the view of events', () => `SELECT count() FROM events WHERE day = '${day}'`],
    [
      "gold's own SELECT",
      () => fillStatement(gold().stack.config.clickhouse.database, 'staging', day).replace(/^INSERT.*\n/, ''),
    ],
  ];
  for (const [what, query] of reading) {
    it(`takes ${what} to that day's rows in that month's parts`, async () => {
      type Estimate = { table: string; parts: string; rows: string };
      const estimates = await explain<Estimate>('ESTIMATE', query());
      const silver = estimates.find(({ table }) => table === 'silver_events');
      assert.ok(silver !== undefined, JSON.stringify(estimates));
      const { parts, rows } = { parts: Number(silver.parts), rows: Number(silver.rows) };
      assert.ok(rows >= ROWS_A_DAY, `${rows} rows are the whole day`);
      assert.ok(
        rows <= ROWS_A_DAY + 2 * GRANULE * parts,
        `${rows} rows of ${parts} parts are the day, to the granule`,
      );
      const month = day.slice(0, 7).replace('-', '');
      const found = await gold().clickhouse.query({
        query: `SELECT countIf(partition = '${month}') AS month, count() AS parts FROM system.parts
                WHERE active AND table = 'silver_events' AND database = currentDatabase()`,
        format: 'JSONEachRow',
      });
      const [active] = await found.json<{ month: string; parts: string }>();
      assert.ok(Number(active?.parts) > Number(active?.month), 'there are parts of other months');
      assert.ok(parts <= Number(active?.month), `${parts} parts read, the month has ${active?.month}`);
    });
  }

  it('says so by the partition and by the key', async () => {
    const lines = await explain<{ explain: string }>(
      'indexes = 1',
      `SELECT count() FROM events WHERE day = '${day}'`,
    );
    const text = lines.map((line) => line.explain).join('\n');
    assert.match(text, /Partition\s+Keys:\s+toYYYYMM\(day\)/);
    assert.match(text, /PrimaryKey\s+Keys:\s+day/);
  });
});

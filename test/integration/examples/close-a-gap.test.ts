import assert from 'node:assert/strict';
import { join } from 'node:path';
import { execa } from 'execa';
import { STACK_FILE } from '../../../src/config.js';
import { generateInteractions } from '../../../src/generate/interactions.js';
import { packageRoot } from '../../../src/package-root.js';
import { Tidemark } from '../../../src/client.js';
import { migrateClickHouse } from '../../../src/provision/migrate.js';
import { connectClickHouse } from '../../../src/clients/clickhouse.js';
import { useStack } from '../../support/stack.js';
import { startReplayControl } from '../../support/start-replay-control.js';
import type { WorkerProcess } from '../../support/worker-process.js';

/** What the generator made, by hour of the day; records without a time of their own are not of that day. */
function byHour(): Map<string, number> {
  const hours = new Map<string, number>();
  const dayMs = Date.UTC(2024, 10, 20);
  for (const text of generateInteractions({ seed: 1, dayMs, records: 30_000 })) {
    const parsed = JSON.parse(text) as { ts?: string } | string;
    const time = typeof parsed === 'string' ? undefined : /^2024-11-20T(\d\d):/.exec(parsed.ts ?? '');
    if (time) hours.set(`${time[1]}:00`, (hours.get(`${time[1]}:00`) ?? 0) + 1);
  }
  return hours;
}

describe('example: closing a gap', function () {
  this.timeout(240_000);
  this.slow(120_000);
  const stack = useStack(['kafka', 'clickhouse', 'temporal', 'stream'], { own: true });
  let control: WorkerProcess;

  before(async function () {
    this.timeout(300_000);
    await migrateClickHouse(stack().config);
    control = await startReplayControl(stack());
  });
  after(() => control?.end());

  it('shows a gap from 11:00 to 13:00 and closes it, in Kafka and in ClickHouse', async () => {
    const { stdout } = await execa('bash', [join(packageRoot, 'examples', 'close-a-gap', 'run.sh')], {
      env: {
        TIDEMARK: `${process.execPath} ${join(packageRoot, 'dist', 'src', 'cli', 'main.js')}`,
        TIDEMARK_CONFIG: join(stack().dataDir, STACK_FILE),
        NO_COLOR: '1',
      },
    });
    const hours = byHour();
    const gap = (hours.get('11:00') ?? 0) + (hours.get('12:00') ?? 0);
    assert.ok(gap > 5_000);
    const tables = [...stdout.matchAll(/^ ?(\d\d:00) +(\d+) +(\d+) +(\d+) *$/gm)].map(
      ([, hour = '', a, b, missing]) => ({ hour, a: Number(a), b: Number(b), missing: Number(missing) }),
    );
    const expected = (isClosed: boolean) =>
      [...hours].sort().map(([hour, a]) => {
        const missing = !isClosed && (hour === '11:00' || hour === '12:00') ? a : 0;
        return { hour, a, b: a - missing, missing };
      });
    assert.deepEqual(tables, [...expected(false), ...expected(true)]);
    assert.match(stdout, new RegExp(`^${String(gap)} records$`, 'm'));
    assert.match(stdout, /interactions\.b lacks 0 of \d+ selected records/);
    assert.match(stdout, /close-gap has finished before/);
    assert.doesNotMatch(stdout, /only in/);

    const clickhouse = connectClickHouse(stack().config);
    const tidemark = new Tidemark(stack().config);
    try {
      const answer = await clickhouse.query({
        query: `SELECT count() AS b, uniqExact(origin_partition, origin_offset) AS origins
                FROM interactions FINAL WHERE topic = 'interactions.b'`,
        format: 'JSONEachRow',
      });
      const [{ b, origins } = {}] = await answer.json<{ b: string; origins: string }>();
      assert.deepEqual([b, origins], ['30000', '30000']);
      const { result } = await tidemark.replay.evidence('close-gap');
      assert.equal(result?.verification?.verdict, 'passed');
      assert.equal(result.counts.selected, gap);
    } finally {
      await Promise.all([clickhouse.close(), tidemark.close()]);
    }
  });
});

import assert from 'node:assert/strict';
import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectClickHouse, connectClickHouseReader } from '../../../src/clients/clickhouse.js';
import type { Config } from '../../../src/config.js';
import { askClickHouse, type Ask, type Cell, type PanelRows } from '../../../src/dashboards/look.js';
import type {
  AlertAnswer,
  LoginAnswer,
  PartitionAnswer,
  WindowAnswer,
} from '../../../src/generate/logins-answer.js';
import { dashboardsRoute } from '../../../src/workers/dashboards-http.js';
import { serveHttp } from '../../../src/workers/http-server.js';

/** As the dashboard is asked to: a user who may only read, and the page of the control worker. */
export class ServedDashboard {
  readonly #close: () => Promise<void>;
  readonly #url: string;
  readonly ask: Ask;

  private constructor(url: string, ask: Ask, close: () => Promise<void>) {
    this.#url = url;
    this.ask = ask;
    this.#close = close;
  }

  static async open(config: Config): Promise<ServedDashboard> {
    const reader = connectClickHouseReader(config);
    const ask = askClickHouse(reader);
    const route = dashboardsRoute({ ask, database: config.clickhouse.database, now: Date.now });
    const server: Server = await serveHttp({ host: '127.0.0.1', port: 0 }, [route], (fault) => {
      throw fault;
    });
    const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/dashboards`;
    return new ServedDashboard(url, ask, async () => {
      server.close();
      server.closeAllConnections();
      await reader.close();
    });
  }

  close(): Promise<void> {
    return this.#close();
  }

  async page(slug: string, query: string): Promise<string> {
    return (await fetch(`${this.#url}/${slug}?${query}`)).text();
  }

  /** Rows of every panel, by its title. */
  async rows(slug: string, query: string): Promise<Map<string, PanelRows['rows']>> {
    const response = await fetch(`${this.#url}/${slug}/data.json?${query}`);
    assert.equal(response.status, 200);
    const { panels } = (await response.json()) as { panels: ({ title: string } & PanelRows)[] };
    for (const panel of panels) assert.ok('rows' in panel, `${panel.title} failed: ${JSON.stringify(panel)}`);
    return new Map(panels.map(({ title, rows }) => [title, rows]));
  }
}

/** Every panel against the answer; then a broken identity in ClickHouse, which must be seen; and what the panels' queries may not do. */
export async function assertDashboard(
  dashboard: ServedDashboard,
  config: Config,
  answers: readonly LoginAnswer[],
): Promise<void> {
  const range = rangeOfAnswers(answers);
  const expected = expectedPanels(answers);
  const shown = await dashboard.rows('logins', range);
  assert.deepEqual([...shown.keys()], [...expected.keys()]);
  for (const [title, rows] of expected)
    assert.deepEqual(comparable(title, shown.get(title)!), comparable(title, rows), title);
  assert.doesNotMatch(await dashboard.page('logins', range), /role="alert"|class="error"/);

  await breakIdentity(config, answers.find((one) => one.type === 'window')!.start);
  const broken = await dashboard.rows('logins', range);
  assert.deepEqual(broken.get('Partitions whose identity is broken'), [['1']]);
  const [first, ...others] = broken.get(IDENTITY)!;
  assert.deepEqual(first!.slice(0, 10), ['broken', 3, '0', '100', '100', '90', '5', '0', '5', 0]);
  assert.deepEqual(comparable(IDENTITY, others), comparable(IDENTITY, expected.get(IDENTITY)!));
  const page = await dashboard.page('logins', range);
  assert.match(page, /<p class="banner" role="alert">Look here: Partitions whose identity is broken</);
  assert.match(page, /<tr class="red"><td class="">broken<\/td>/);
  assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;'));
  assert.doesNotMatch(page, /<script/);

  await assertLimits(dashboard.ask, config);
}

/** A panel's statement may read, and no more than is looked at: by the rights of its user, and by its settings even without them. */
async function assertLimits(ask: Ask, config: Config): Promise<void> {
  const clickhouse = connectClickHouse(config);
  const range = { fromMs: 0, toMs: 1_000 };
  const write = `CREATE TABLE ${config.clickhouse.database}.made_by_a_panel (n Int8) ENGINE = Memory`;
  try {
    await assert.rejects(ask(write, range), { type: 'ACCESS_DENIED' });
    await assert.rejects(askClickHouse(clickhouse)(write, range), { type: 'READONLY' });
    await assert.rejects(ask('SELECT number FROM numbers(100001)', range), {
      type: 'TOO_MANY_ROWS_OR_BYTES',
    });
    // Some MB after its first row: without care, the connection breaks before its fault arrives, about every second time.
    const late = "SELECT repeat('x', 100), throwIf(number = 90000) FROM numbers(100000)";
    for (let asked = 0; asked < 10; asked += 1) {
      await assert.rejects(ask(late, range), { type: 'FUNCTION_THROW_IF_VALUE_IS_NON_ZERO' });
    }
  } finally {
    await clickhouse.close();
  }
}

const IDENTITY = 'Identity per partition: read = clean + dlq + filtered';

/** The range of all windows of an answer. */
function rangeOfAnswers(answers: readonly LoginAnswer[]): string {
  const windows = answers.filter((one) => one.type === 'window' || one.type === 'alert');
  const starts = windows.map(({ start }) => start).sort();
  const ends = windows.map(({ end }) => end).sort();
  return `from=${starts[0]}&to=${ends.at(-1)}`;
}

/**
 * What every panel must show of the job `logins`, from the generator's answer alone. Alerts without their counts: those of windows that are
 * open still grow.
 */
function expectedPanels(answers: readonly LoginAnswer[]): Map<string, Cell[][]> {
  const windows = answers
    .filter((one): one is WindowAnswer => one.type === 'window')
    .map((one) => ({ ...one, start: seconds(one.start) }));
  const partitions = answers.filter((one): one is PartitionAnswer => one.type === 'partition');
  const alerts = answers.filter((one): one is AlertAnswer => one.type === 'alert');
  const of = (dimension: WindowAnswer['dimension']) => windows.filter((one) => one.dimension === dimension);
  const all = sum(partitions.map(({ read }) => read));
  const line = (value: (window: WindowAnswer) => number): Cell[][] =>
    of('all').map((window): Cell[] => [window.start, 'logins', String(value(window))]);
  return new Map([
    ['Partitions whose identity is broken', [['0']]],
    ['Messages read', [[String(all)]]],
    ['Dead letters', [[String(sum(partitions.map(({ dlq }) => sum(Object.values(dlq)))))]]],
    ['Alerts', [[String(alerts.length)]]],
    [IDENTITY, partitions.map(identityRow)],
    [
      'Dead letters by reason',
      reasonRows(
        partitions.map(({ dlq }) => dlq),
        all,
      ),
    ],
    [
      'Filtered by reason',
      reasonRows(
        partitions.map(({ filtered }) => filtered),
        all,
      ),
    ],
    ['Logins a minute', line(({ logins }) => logins)],
    ['Unique users a minute', line(({ users }) => users)],
    ['Logins a minute by device type', lines(of('device_type'))],
    ['By device type', values(of('device_type'))],
    ['Logins a minute by app version', lines(of('app_version'))],
    ['By app version', values(of('app_version'))],
    ['Logins a minute by locale', lines(of('locale'))],
    ['By locale', values(of('locale'))],
    [
      'Alerts of the range',
      alerts.map(({ start, end, kind, subject }): Cell[] => [
        seconds(start),
        seconds(end),
        'logins',
        kind,
        subject,
      ]),
    ],
  ]);
}

/** As ClickHouse writes a DateTime. */
const seconds = (iso: string): string => iso.replace('.000Z', 'Z');

const sum = (numbers: readonly number[]): number => numbers.reduce((total, n) => total + n, 0);

const identityRow = ({ partition, read, clean, dlq, filtered }: PartitionAnswer): Cell[] => {
  const reasons = [dlq, filtered].map((one) => String(sum(Object.values(one))));
  return ['logins', partition, '0', String(read), String(read), String(clean), ...reasons, '0', 1];
};

function totals(counts: readonly (readonly [key: string, count: number])[]): Map<string, number> {
  const all = new Map<string, number>();
  for (const [key, count] of counts) all.set(key, (all.get(key) ?? 0) + count);
  return all;
}

const reasonRows = (ofPartitions: readonly Readonly<Record<string, number>>[], all: number): Cell[][] =>
  [...totals(ofPartitions.flatMap((reasons) => Object.entries(reasons)))].map(([reason, n]) => [
    'logins',
    reason,
    String(n),
    n / all,
  ]);

const byLogins = (windows: readonly WindowAnswer[]): [value: string, logins: number][] =>
  [...totals(windows.map(({ value, logins }) => [value, logins]))].sort(
    ([a, m], [b, n]) => n - m || (a < b ? -1 : 1),
  );

/** Eight lines, and one of all others. */
function lines(windows: readonly WindowAnswer[]): Cell[][] {
  const own = byLogins(windows)
    .slice(0, 8)
    .map(([value]) => value);
  const points = windows.map(({ start, value, logins }): [string, number] => [
    `${start} ${own.includes(value) ? value : '(others)'}`,
    logins,
  ]);
  return [...totals(points)].map(([at, logins]) => {
    const [start, value] = at.split(' ') as [string, string];
    return [start, `logins: ${value}`, String(logins)];
  });
}

function values(windows: readonly WindowAnswer[]): Cell[][] {
  const all = sum(windows.map(({ logins }) => logins));
  return byLogins(windows)
    .slice(0, 20)
    .map(([value, logins]) => {
      const users = windows.filter((one) => one.value === value).map((one) => one.users);
      return ['logins', value, String(logins), logins / all, String(Math.max(...users))];
    });
}

/** Rows in an order of their own, without the columns that no answer knows: when a report came, how far an open alert is. */
function comparable(title: string, rows: readonly (readonly Cell[])[]): string[] {
  const known = { [IDENTITY]: 10, 'Alerts of the range': 5 }[title];
  return rows.map((row) => JSON.stringify(row.slice(0, known))).sort();
}

const HOSTILE_SUBJECT = `<script>alert("1")</script>'`;

/** What no job would ever write: a partition of which five messages are nowhere, and an alert about a device with such a name. */
async function breakIdentity(config: Config, start: string): Promise<void> {
  const clickhouse = connectClickHouse(config);
  const insert = (table: string, values: object) =>
    clickhouse.insert({
      table,
      values: [values],
      format: 'JSONEachRow',
      clickhouse_settings: { date_time_input_format: 'best_effort' },
    });
  try {
    await insert('login_identity_results', {
      job: 'broken',
      partition: 3,
      start_offset: 0,
      next_offset: 100,
      read: 100,
      clean: 90,
      dlq: 5,
      filtered: 0,
      dlq_reasons: { MISSING_IP: 5 },
      filtered_reasons: {},
      emitted_at: start,
      offset: 1,
    });
    await insert('login_alert_results', {
      job: 'broken',
      start,
      end: start,
      alert: 'SHARED_DEVICE',
      subject: HOSTILE_SUBJECT,
      count: 5,
      members: [HOSTILE_SUBJECT],
      status: 'open',
      emitted_at: start,
      offset: 1,
    });
  } finally {
    await clickhouse.close();
  }
}

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Config } from '../../../src/config.js';
import { loginsDashboard } from '../../../src/core/dashboards/logins.js';
import type { Range } from '../../../src/core/dashboards/range.js';
import type { Ask, PanelRows } from '../../../src/dashboards/look.js';
import { dashboardsRoute } from '../../../src/workers/dashboards-http.js';
import { serveHttp } from '../../../src/workers/http-server.js';

const HOSTILE = `<script>alert("1")</script>'"><img src=x onerror=alert(2)> & </title>`;
const NOW = Date.UTC(2026, 10, 22, 5);
const text = (name: string) => ({ name, type: 'String' });
const number = (name: string) => ({ name, type: 'UInt64' });

/** Answers every panel of logins by what its SQL asks for, with a value in it that nobody may believe. */
function hostileAnswer(sql: string): PanelRows {
  if (sql.includes('AS series')) {
    const columns = [{ name: 'time', type: "DateTime('UTC')" }, text('series'), number('value')];
    return { columns, rows: [['2026-11-22T04:00:00Z', HOSTILE, '18446744073709551615']] };
  }
  if (sql.includes('AS broken')) return { columns: [number('broken')], rows: [['1']] };
  const columns = [text(HOSTILE), number('read'), { name: 'holds', type: 'UInt8' }];
  return { columns, rows: [[HOSTILE, '18446744073709551615', 0]] };
}

describe('GET /dashboards', () => {
  let servers: Server[] = [];
  let faults: unknown[] = [];
  let asked: { sql: string; range: Range }[] = [];
  const hostile: Ask = (sql, range) => {
    asked.push({ sql, range });
    return Promise.resolve(hostileAnswer(sql));
  };

  async function serve(ask: Ask = hostile, more: Partial<NonNullable<Config['http']>> = {}): Promise<string> {
    const routes = [dashboardsRoute({ ask, database: 'tidemark', now: () => NOW })];
    const server = await serveHttp({ host: '127.0.0.1', port: 0, ...more }, routes, (fault) =>
      faults.push(fault),
    );
    servers.push(server);
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }
  const get = async (path: string, ask?: Ask): Promise<Response> => fetch(`${await serve(ask)}${path}`);

  afterEach(() => {
    for (const server of servers) server.close();
    servers = [];
    asked = [];
    const thrown = faults;
    faults = [];
    assert.deepEqual(thrown, []);
  });

  it('lists them', async () => {
    const page = await (await get('/dashboards')).text();
    assert.match(page, /<a href="\/dashboards\/logins">Logins<\/a>/);
    assert.deepEqual(asked, []);
  });

  it('escapes whatever the data says, in text and in drawings', async () => {
    const page = await (await get('/dashboards/logins')).text();
    assert.ok(page.includes('&lt;script&gt;alert(&quot;1&quot;)&lt;/script&gt;&#39;&quot;&gt;&lt;img src=x'));
    assert.doesNotMatch(page, /<script|<img/);
    // Of every panel but the numbers.
    const shown = loginsDashboard.panels.filter(({ kind }) => kind !== 'stat').length;
    assert.ok(page.split('&lt;script&gt;').length > shown);
  });

  it('lets a browser load, run, send and frame nothing, and apply no style but its own', async () => {
    const response = await get('/dashboards/logins');
    const policy = response.headers.get('content-security-policy')!;
    const style = /<style>([^]*?)<\/style>/.exec(await response.text())![1]!;
    const hash = createHash('sha256').update(style).digest('base64');
    assert.equal(
      policy,
      `default-src 'none'; style-src 'sha256-${hash}'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'`,
    );
    assert.equal(response.headers.get('x-content-type-options'), 'nosniff');
    assert.equal(response.headers.get('cache-control'), 'no-store');
  });

  it('cannot be looked at without seeing that an identity is broken', async () => {
    const page = await (await get('/dashboards/logins')).text();
    assert.match(page, /<p class="banner" role="alert">Look here: Partitions whose identity is broken<\/p>/);
    assert.match(page, /<div class="stat red">1<\/div>/);
    assert.match(page, /<tr class="red">(?:(?!<\/tr>)[^])*<td class="n">BROKEN<\/td>/);
    const sound: Ask = (sql) =>
      Promise.resolve({ columns: [number('n')], rows: sql.includes('AS series') ? [] : [['0']] });
    const calm = await (await get('/dashboards/logins', sound)).text();
    assert.doesNotMatch(calm, /role="alert"|class="stat red"/);
    assert.match(calm, /<div class="stat green">0<\/div>/);
  });

  it('shows the error of a panel that fails, without its words, and goes on with the others', async () => {
    const ask: Ask = (sql) =>
      sql.includes('AS broken')
        ? Promise.reject(Object.assign(new Error('a secret'), { code: '60', type: 'UNKNOWN_TABLE' }))
        : hostile(sql, { fromMs: 0, toMs: 0 });
    const page = await (await get('/dashboards/logins', ask)).text();
    assert.match(page, /<p class="error">[^<]*ClickHouse says UNKNOWN_TABLE \(CLICKHOUSE_FAILED\)<\/p>/);
    assert.doesNotMatch(page, /secret/);
    assert.match(page, /BROKEN/);
    // What is not known is not well.
    assert.match(page, /role="alert">Look here: Partitions whose identity is broken</);
  });

  it('gives the same as JSON: numbers of 64 bits to the last digit, and the range', async () => {
    const response = await get('/dashboards/logins/data.json?last=1h');
    assert.match(response.headers.get('content-type')!, /^application\/json/);
    const { from, to, panels } = (await response.json()) as {
      from: string;
      to: string;
      panels: ({ title: string; kind: string } & PanelRows)[];
    };
    assert.deepEqual([from, to], ['2026-11-22T04:00:01.000Z', '2026-11-22T05:00:01.000Z']);
    assert.deepEqual(
      panels.map(({ title, kind }) => [title, kind]),
      loginsDashboard.panels.map(({ title, kind }) => [title, kind]),
    );
    assert.deepEqual(panels[4]!.rows, [[HOSTILE, '18446744073709551615', 0]]);
    assert.ok(asked.every(({ range }) => range.toMs - range.fromMs === 3_600_000));
  });

  it('loads itself anew where the range ends now, and not where it is fixed', async () => {
    const isRefreshing = async (path: string) =>
      (await (await get(path)).text()).includes('http-equiv="refresh"');
    assert.equal(await isRefreshing('/dashboards/logins'), true);
    const fixed = '?from=2026-11-20T00:00:00Z&to=2026-11-20T01:00:00Z';
    assert.equal(await isRefreshing(`/dashboards/logins${fixed}`), false);
  });

  it('leaves a line open where there was nothing, and draws none without any point', async () => {
    const columns = [{ name: 'time', type: 'DateTime' }, text('series'), number('value')];
    const rows = ['04:00', '04:01', '04:10'].map((time) => [`2026-11-22T${time}:00Z`, 'logins', '5']);
    const page = (ask: Ask) => get('/dashboards/logins?last=1h', ask).then((response) => response.text());
    const drawn = await page(() => Promise.resolve({ columns, rows }));
    assert.match(drawn, /<text class="x"[^>]*>04:15<\/text>/);
    // Two pieces: a line, and a point.
    assert.match(drawn, /<path class="line c0" d="M[^M]+L[^M]+M[^M]+Z"><title>logins<\/title>/);
    assert.match(await page(() => Promise.resolve({ columns, rows: [] })), /nothing in this range/);
  });

  const refused: [string, string, number][] = [
    ['GET', '/dashboards/none', 404],
    ['GET', '/dashboards/logins/other', 404],
    ['GET', '/dashboards/logins?last=1y', 400],
    ['GET', '/dashboards/logins?sql=SELECT', 400],
    ['GET', '/dashboards/logins?from=x&to=y', 400],
    ['POST', '/dashboards/logins', 405],
  ];
  for (const [method, path, status] of refused) {
    it(`${method} ${path}: ${status}, and ClickHouse is not asked`, async () => {
      const response = await fetch(`${await serve()}${path}`, { method });
      assert.equal(response.status, status);
      assert.deepEqual(asked, []);
    });
  }

  it('answers nobody without the login, where there is one', async () => {
    const url = `${await serve(hostile, { login: { user: 'tidemark', password: 'right' } })}/dashboards/logins`;
    const as = async (login: string | undefined) =>
      (await fetch(url, login === undefined ? {} : { headers: { authorization: `Basic ${btoa(login)}` } }))
        .status;
    const tried = [undefined, 'tidemark:wrong', 'tidemark:', 'other:right', 'tidemark:right '];
    assert.deepEqual(
      await Promise.all(tried.map(as)),
      tried.map(() => 401),
    );
    assert.deepEqual(asked, []);
    assert.equal(await as('tidemark:right'), 200);
  });

  it('without a login answers only who asks by a name of this machine: other sites cannot make a browser ask', async () => {
    const { port } = new URL(await serve());
    const status = (host: string): Promise<number | undefined> =>
      new Promise((resolve, reject) => {
        const options = { host: '127.0.0.1', port, path: '/dashboards', headers: { host } };
        request(options, (response) => resolve(response.resume().statusCode))
          .on('error', reject)
          .end();
      });
    assert.deepEqual(
      await Promise.all([`127.0.0.1:${port}`, `localhost:${port}`, `[::1]:${port}`].map(status)),
      [200, 200, 200],
    );
    assert.deepEqual(
      await Promise.all([`evil.example:${port}`, '127.0.0.1.evil.example'].map(status)),
      [421, 421],
    );
  });
});

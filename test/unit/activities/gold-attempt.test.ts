import assert from 'node:assert/strict';
import { ClickHouseError } from '@clickhouse/client';
import { MockActivityEnvironment } from '@temporalio/testing';
import type { ClickHouseDeps } from '../../../src/activities/clickhouse.js';
import { computeGold } from '../../../src/activities/gold-attempt.js';
import { runOf } from '../../support/gold-day-fakes.js';
import type { PipelineError } from '../../../src/core/errors.js';
import type { ComputeGoldInput, GoldDayResult, GoldRun } from '../../../src/messages.js';

/** A ClickHouse that answers what a right day gives, and writes down what it was told. */
class ToldClickHouse {
  readonly told: string[] = [];
  readonly recorded: { status: string; rows_written: string }[] = [];
  measured = {
    rows: '5',
    distinctUsers: '5',
    miscounted: '0',
    misdated: '0',
    rowsWritten: '3',
    events: '9',
    unknownUsers: '2',
    unknownEvents: '4',
    digest: 'd',
  };
  leftovers: string[] = [];
  /** Runs of the day, completed or under way. */
  record: GoldRun[] = [];
  shownDigest = 'd';
  stagingIsThere = true;
  /** What statements that begin so come to. */
  failing: { start: string; error: Error }[] = [];

  readonly deps: ClickHouseDeps = {
    clickhouse: {
      command: async (params: { query: string }) => {
        await this.#hear(params.query);
        return { summary: { read_rows: '100', written_rows: '5' } };
      },
      query: async (params: { query: string }) => {
        await this.#hear(params.query);
        return { json: () => Promise.resolve(this.#answer(params.query)) };
      },
      insert: (params: { values: { status: string; rows_written: string }[] }) => {
        this.recorded.push(...params.values);
        return Promise.resolve({});
      },
    } as unknown as ClickHouseDeps['clickhouse'],
    database: 'db',
    onCluster: '',
    codeVersion: '0+gold.0',
  };

  /** The statements as one word each. */
  get steps(): string[] {
    return this.told
      .map((query) => /^[A-Z]+/.exec(query.trim())?.[0] ?? '')
      .filter((verb) => verb !== 'SELECT');
  }

  #hear(query: string): Promise<void> {
    this.told.push(query.trim());
    const fails = this.failing.find(({ start }) => query.trim().startsWith(start));
    return fails === undefined ? Promise.resolve() : Promise.reject(fails.error);
  }

  #answer(query: string): unknown[] {
    const nowMs = 1_700_000_000_000;
    if (query.includes('found FROM system.tables')) return [{ found: Number(this.stagingIsThere) }];
    const complete = this.record.filter(({ status }) => status === 'complete');
    if (query.includes('AS running')) {
      const running = Number(this.record.some(({ status }) => status === 'running'));
      return [{ running, complete: Number(complete.length > 0) }];
    }
    if (query.includes('ops_gold_runs FINAL')) return complete;
    if (query.includes('silver_event_days') || query.includes('ops_gold_unknown_users')) return [];
    if (query.includes('system.tables')) return [{ others: this.leftovers, nowMs }];
    if (query.includes('gold_user_activity')) {
      const { rowsWritten } = this.measured;
      return [{ rows: rowsWritten, rowsWritten, digest: this.shownDigest, nowMs }];
    }
    if (query.includes('now64')) return [{ nowMs }];
    return [this.measured];
  }
}

/** The run that a mocked activity belongs to. */
const OWN_RUN = '00000000-0000-0000-0000-000000000000';

describe('activities/gold-attempt', () => {
  const input: ComputeGoldInput = {
    day: '2024-02-29',
    requestedBy: 'test',
    forced: false,
    isFinal: true,
    positions: { events: { 0: '7' } },
  };
  const attemptAt = (server: ToldClickHouse, attempt = 1, asked = input) =>
    new MockActivityEnvironment({ attempt }).run<
      [ClickHouseDeps, ComputeGoldInput],
      GoldDayResult,
      typeof computeGold
    >(computeGold, server.deps, asked);
  const recorded = (run: Partial<GoldRun>): GoldRun => ({ ...runOf({ day: input.day }), ...run });
  const unknownTable = new ClickHouseError({ message: 'gone', code: '60', type: 'UNKNOWN_TABLE' });

  it('fences, fills a staging of its own, checks, fences again, replaces, checks, records, tidies up', async () => {
    const server = new ToldClickHouse();
    const run = await attemptAt(server);
    // Nobody else has a table: the fences only look, and have nobody's queries to end.
    assert.deepEqual(server.steps, ['CREATE', 'INSERT', 'INSERT', 'ALTER', 'DROP']);
    const fences = server.told.flatMap((query, i) => (query.includes('system.tables') ? [i] : []));
    const [create, replace] = ['CREATE', 'ALTER'].map((verb) =>
      server.told.findIndex((query) => query.startsWith(verb)),
    );
    assert.deepEqual(fences, [0, replace! - 1]);
    assert.ok(create! > 0);
    assert.deepEqual(
      server.recorded.map(({ status }) => status),
      ['running', 'complete'],
    );
    assert.deepEqual(
      [run.status, run.rowsRead, run.rowsWritten, run.events, run.unknownUsers, run.unknownEvents],
      ['complete', '100', '3', '9', '2', '4'],
    );
    assert.deepEqual(run.positions, input.positions);
  });

  it('drops the staging of others before it fills and before it replaces, never its own', async () => {
    const server = new ToldClickHouse();
    server.leftovers = ['gold_staging_20240229_dead_1'];
    await attemptAt(server);
    assert.deepEqual(server.steps, [
      'KILL',
      'DROP',
      'CREATE',
      'INSERT',
      'INSERT',
      'KILL',
      'DROP',
      'ALTER',
      'DROP',
    ]);
    const drops = server.told.filter((query) => query.startsWith('DROP'));
    assert.match(drops[0] ?? '', /gold_staging_20240229_dead_1/);
    assert.doesNotMatch(drops.at(-1) ?? '', /dead/);
  });

  it('answers with the record of a run that stands, and computes all the same when forced', async () => {
    const server = new ToldClickHouse();
    server.record = [recorded({ runId: 'earlier', rowsWritten: '3' })];
    const { runId, reused } = await attemptAt(server);
    assert.deepEqual([runId, reused, server.steps], ['earlier', true, []]);

    const computed = await attemptAt(server, 1, { ...input, forced: true });
    assert.deepEqual([computed.runId, computed.reused], [OWN_RUN, false]);
  });

  it('computes a day whose rows are not those of the record', async () => {
    const server = new ToldClickHouse();
    server.record = [recorded({ runId: 'earlier', rowsWritten: '4' })];
    const { runId, reused } = await attemptAt(server);
    assert.deepEqual([runId, reused], [OWN_RUN, false]);
  });

  it('answers with what an earlier attempt of this run completed, forced or not, and drops what that left', async () => {
    for (const forced of [false, true]) {
      const server = new ToldClickHouse();
      server.leftovers = ['gold_staging_20240229_own_1'];
      server.record = [recorded({ runId: OWN_RUN, attempt: 1, rowsWritten: '3' })];
      const run = await attemptAt(server, 2, { ...input, forced });
      assert.deepEqual([run.attempt, run.reused], [1, false]);
      assert.deepEqual(server.steps, ['KILL', 'DROP']);
    }
  });

  it('asked again by the same run, takes what that computed before for a record as any other, its own all the same', async () => {
    const own = recorded({ runId: OWN_RUN, attempt: 1, rowsWritten: '3' });
    const server = new ToldClickHouse();
    server.record = [own];
    const fresh = await attemptAt(server, 1, { ...input, attemptsBefore: 1 });
    assert.deepEqual([fresh.attempt, fresh.reused, server.steps], [1, false, []]);

    for (const [forced, rowsWritten] of [
      [true, '3'],
      [false, '4'],
    ] as const) {
      const server = new ToldClickHouse();
      server.record = [{ ...own, rowsWritten }];
      const again = await attemptAt(server, 1, { ...input, forced, attemptsBefore: 1 });
      assert.deepEqual([again.attempt, again.reused], [2, false]);
      assert.match(server.told.find((query) => query.startsWith('CREATE')) ?? '', /_2\b/);
    }
  });

  it('closes the record of whoever is still written down as running', async () => {
    const server = new ToldClickHouse();
    server.record = [recorded({ runId: 'dead', status: 'running', finishedAtMs: null })];
    await attemptAt(server);
    const [closing] = server.told.filter((query) => query.startsWith('INSERT'));
    assert.match(closing ?? '', /'abandoned' AS status[^]*AND NOT \(recorded\.run_id/);
  });

  it('closes it also where the record of another run answers', async () => {
    const server = new ToldClickHouse();
    server.record = [
      recorded({ runId: 'dead', status: 'running', finishedAtMs: null }),
      recorded({ runId: 'earlier', rowsWritten: '3' }),
    ];
    const { runId, reused } = await attemptAt(server);
    assert.deepEqual([runId, reused], ['earlier', true]);
    assert.match(server.told.find((query) => query.startsWith('INSERT')) ?? '', /'abandoned' AS status/);
  });

  it('replaces nothing when a check of staging fails; tried again, but not for ever', async () => {
    for (const [attempt, retryable] of [
      [1, true],
      [2, true],
      [3, false],
    ] as const) {
      const server = new ToldClickHouse();
      server.measured = { ...server.measured, misdated: '1' };
      await assert.rejects(attemptAt(server, attempt), (error: PipelineError) => {
        assert.deepEqual([error.code, error.retryable], ['GOLD_CHECK_FAILED', retryable]);
        assert.match(error.message, /1 rows with events outside of the day/);
        return true;
      });
      assert.ok(!server.steps.includes('ALTER'));
      assert.deepEqual(
        server.steps.slice(-3),
        ['KILL', 'DROP', 'INSERT'],
        'its query, its staging, its record',
      );
    }
  });

  it('does not claim a day whose rows are not those it replaced from', async () => {
    const server = new ToldClickHouse();
    server.shownDigest = 'other';
    await assert.rejects(attemptAt(server), { code: 'GOLD_CHECK_FAILED' });
    assert.deepEqual(
      server.recorded.map(({ status }) => status),
      ['running'],
    );
  });

  it('is overtaken when its staging was dropped under it', async () => {
    const server = new ToldClickHouse();
    server.failing = [{ start: 'ALTER', error: unknownTable }];
    server.stagingIsThere = false;
    await assert.rejects(attemptAt(server), { code: 'GOLD_OVERTAKEN', retryable: true });
  });

  it('tries again when it cannot ask whether it was overtaken', async () => {
    const server = new ToldClickHouse();
    const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    server.failing = [
      { start: 'ALTER', error: unknownTable },
      { start: 'SELECT count() > 0 AS found', error: gone },
    ];
    await assert.rejects(attemptAt(server), { code: 'GOLD_OVERTAKEN', retryable: true });
  });

  it('takes another missing table for what it is', async () => {
    const server = new ToldClickHouse();
    server.failing = [{ start: 'ALTER', error: unknownTable }];
    await assert.rejects(attemptAt(server), { code: 'CLICKHOUSE_FAILED', retryable: false });
  });

  it('ends its query, drops its staging, closes its record and reports the cancellation when it is cancelled', async () => {
    const server = new ToldClickHouse();
    const environment = new MockActivityEnvironment({ attempt: 1 });
    const running = environment.run(computeGold, server.deps, input);
    environment.cancel();
    await assert.rejects(running, { name: 'CancelledFailure' });
    assert.deepEqual(server.steps.slice(-3), ['KILL', 'DROP', 'INSERT']);
    assert.match(server.told.at(-1) ?? '', /'abandoned' AS status[^]*AND \(recorded\.run_id/);
    assert.ok(!server.steps.includes('ALTER'));
  });

  it('reports the fault, not the tidying up, when the server is gone', async () => {
    const server = new ToldClickHouse();
    const gone = Object.assign(new Error('connect ECONNREFUSED'), { code: 'ECONNREFUSED' });
    server.failing = [{ start: '', error: gone }];
    await assert.rejects(attemptAt(server), { code: 'CLICKHOUSE_UNREACHABLE', retryable: true });
  });
});

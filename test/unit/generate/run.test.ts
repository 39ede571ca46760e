import assert from 'node:assert/strict';
import { compareRows } from '../../../src/generate/compare.js';
import { eventRun, userRun, usersAfter } from '../../../src/generate/expected.js';
import { UserModel } from '../../../src/generate/model.js';
import { eventOptions, userOptions, type UserOptions } from '../../../src/generate/options.js';
import { writeRun, type Job, type KeepingOptions } from '../../../src/generate/run.js';
import type { UserAnswer } from '../../../src/generate/answer.js';
import { countSteps, plannedUserSteps, type UserOperation } from '../../../src/generate/users.js';

const base = { seed: 3, from: '2026-11-14', days: 2 };
const options = userOptions({ ...base, users: 40 });

/** A table in memory that outlives runs, as a database would. */
class FakeTable {
  rows = new Map<string, UserAnswer>();
  writes = 0;

  job(of: UserOptions): Job<UserOperation, UserAnswer> {
    const model = new UserModel();
    return {
      source: 'users',
      seed: of.seed,
      present: {
        isPresent: () => Promise.resolve(this.rows.size > 0),
        compare: (expected) =>
          Promise.resolve(
            compareRows(
              expected.filter((row) => !row.is_deleted).map((row) => ({ ...row })),
              [...this.rows.values()].map((row) => ({ ...row })),
              'user_id',
            ),
          ),
        remove: () => Promise.resolve(this.rows.clear()),
      },
      expected: () => usersAfter(of),
      planned: countSteps(plannedUserSteps(of)),
      bounded: () => userRun(of),
      endless: () => userRun({ ...of, users: 2_000 }),
      write: (batch) => {
        this.writes += batch.length;
        for (const operation of batch) this.apply(operation);
        return Promise.resolve();
      },
      model,
    };
  }

  private apply(operation: UserOperation): void {
    if (operation.op === 'delete') this.rows.delete(operation.user_id);
    else {
      if (operation.op === 'changeKey') this.rows.delete(operation.from);
      this.rows.set(operation.row.user_id, { ...operation.row, is_deleted: false });
    }
  }
}

const run = (table: FakeTable, how: KeepingOptions = {}, of = options) => writeRun(how, table.job(of));

describe('generate/run', () => {
  it('says what it wrote', async () => {
    const table = new FakeTable();
    const { generated, rows } = await run(table, { keepRows: true });
    assert.equal(generated.outcome, 'written');
    assert.deepEqual(generated.operations, { insert: 41, update: 12, delete: 2, changeKey: 1 });
    assert.equal(generated.writtenOperations, 56);
    assert.deepEqual(rows(), usersAfter(options));
    assert.equal(table.rows.size, rows().filter((row) => !row.is_deleted).length);
  });

  it('writes nothing when its rows are there already, and still knows the answer', async () => {
    const table = new FakeTable();
    await run(table);
    const before = table.writes;
    const { generated, rows } = await run(table);
    assert.equal(generated.outcome, 'already there');
    assert.equal(table.writes, before);
    assert.deepEqual(rows(), usersAfter(options));
  });

  it('refuses other rows of its seed, and replaces them when told to', async () => {
    const table = new FakeTable();
    await run(table);
    const more = userOptions({ ...base, users: 41 });
    await assert.rejects(run(table, {}, more), { code: 'ALREADY_GENERATED' });
    await assert.rejects(run(table, { continuous: true }), { code: 'ALREADY_GENERATED' });
    const { generated } = await run(table, { replace: true }, more);
    assert.equal(generated.outcome, 'written');
    assert.equal((await run(table, {}, more)).generated.outcome, 'already there');
  });

  it('refuses rows that one change of content or one missing row makes different', async () => {
    const table = new FakeTable();
    await run(table);
    const [id, row] = [...table.rows][0] as [string, UserAnswer];
    table.rows.set(id, { ...row, email: `${row.email}x` });
    await assert.rejects(run(table), /0 missing, 0 extra, 1 different/);
    table.rows.delete(id);
    await assert.rejects(run(table), /1 missing, 0 extra, 0 different/);
  });

  it('knows exactly what is there when it was stopped', async () => {
    const table = new FakeTable();
    const stop = new AbortController();
    const how = {
      keepRows: true,
      continuous: true,
      signal: stop.signal,
      onProgress: (_source: string, written: number, planned: number | undefined) => {
        assert.equal(planned, undefined);
        if (written >= 2_000) stop.abort();
      },
    };
    const { generated, rows } = await run(table, how);
    assert.equal(generated.outcome, 'stopped');
    assert.equal(generated.writtenOperations, 2_000);
    assert.deepEqual(
      new Map(
        rows()
          .filter((row) => !row.is_deleted)
          .map((row) => [row.user_id, row]),
      ),
      table.rows,
    );
  });
});

describe('generate/expected', () => {
  it('makes events of the given users, and of no others without a share of unknown ones', () => {
    const events = eventOptions({ ...base, events: 200, unknownShare: 0 });
    const ids = new Set(usersAfter(options).map((row) => row.user_id));
    for (const operation of eventRun(events, options)) {
      if (operation.op === 'insert') assert.ok(ids.has(operation.event.user_id));
    }
  });
});

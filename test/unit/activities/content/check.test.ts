import assert from 'node:assert/strict';
import type { CheckDeps } from '../../../../src/activities/checks/check.js';
import { contentCheck } from '../../../../src/activities/content/check.js';
import type { ContentTable } from '../../../../src/activities/content/content-table.js';
import type { Observation } from '../../../../src/core/difference.js';
import type { RepairMode } from '../../../../src/messages.js';

/** A table whose source has `right` of every key, and silver what it has; every look at silver may change it. */
class FakeTable implements ContentTable {
  readonly table = 'users';
  readonly silver: Map<string, string>;
  cutShort = false;
  positions = 0;
  repaired: string[] = [];
  repairs = true;
  /** What happens while a position is awaited. */
  meanwhile: () => void = () => undefined;
  readonly #source: ReadonlyMap<string, string>;
  readonly #versions = new Map<string, number>();

  constructor(source: Record<string, string>, silver: Record<string, string>) {
    this.#source = new Map(Object.entries(source));
    this.silver = new Map(Object.entries(silver));
  }

  change(key: string, content: string): void {
    this.silver.set(key, content);
    this.#versions.set(key, (this.#versions.get(key) ?? 0) + 1);
  }

  position() {
    this.positions += 1;
    return Promise.resolve({
      version: String(this.positions),
      passed: () => {
        this.meanwhile();
        return Promise.resolve();
      },
    });
  }

  findSuspects() {
    const keys = [...new Set([...this.#source.keys(), ...this.silver.keys()])].filter(
      (key) => this.#source.get(key) !== this.silver.get(key),
    );
    const counts = { rows: this.#source.size, chunks: 1, differingChunks: 1, unplaced: 0 };
    return Promise.resolve({ ...counts, keys, cutShort: this.cutShort });
  }

  observe(keys: readonly string[]): Promise<Observation[]> {
    return Promise.resolve(
      keys.map((key) => ({
        key,
        token: String(this.#versions.get(key) ?? '-'),
        silver: this.silver.get(key) ?? null,
        source: this.#source.get(key) ?? null,
      })),
    );
  }

  repair(keys: readonly string[]) {
    this.repaired.push(...keys);
    for (const key of keys) {
      const right = this.#source.get(key);
      if (!this.repairs) continue;
      if (right === undefined) this.silver.delete(key);
      else this.change(key, right);
    }
    return Promise.resolve({ version: '1', written: keys.length, deleted: 0, removed: 0 });
  }
}

describe('a check of content', () => {
  async function check(table: FakeTable, repair: RepairMode = 'none', repairLimitRows = 10) {
    const recorded: object[] = [];
    const clickhouse = {
      insert: ({ values }: { values: object[] }) => Promise.resolve(void recorded.push(...values)),
    };
    const deps = { clickhouse, config: { clickhouse: { database: 'd' } } } as unknown as CheckDeps;
    const finding = await contentCheck({ name: 'n', hop: 'h', open: () => table }).run(deps, {
      options: { repair, repairLimitRows },
      runId: 'run',
      probes: [],
      signal: new AbortController().signal,
      progress: () => undefined,
    });
    return { ...finding, recorded };
  }

  it('passes, and moves the watermark to the position before the comparison', async () => {
    const { verdict, recorded } = await check(new FakeTable({ a: '1', b: '2' }, { a: '1', b: '2' }));
    assert.equal(verdict, 'Passed');
    assert.deepEqual(recorded, [{ table_name: 'silver_users', version: '1', rows: 2, run_id: 'run' }]);
  });

  it('fails with the keys of each kind, and leaves the watermark', async () => {
    const { verdict, evidence, recorded } = await check(
      new FakeTable({ a: '1', b: '2' }, { a: 'x', c: '3' }),
    );
    assert.equal(verdict, 'Failed');
    assert.deepEqual(evidence.keys, { missing: ['b'], extra: ['c'], different: ['a'] });
    assert.deepEqual([evidence.missing, evidence.extra, evidence.different], [1, 1, 1]);
    assert.deepEqual(recorded, []);
  });

  it('passes when what differed had only not arrived', async () => {
    const table = new FakeTable({ a: '2' }, { a: '1' });
    table.meanwhile = () => table.change('a', '2');
    const { verdict, evidence } = await check(table);
    assert.deepEqual([verdict, evidence.suspects, evidence.rounds, evidence.inMotion], ['Passed', 1, 1, 0]);
  });

  it('lets a key go that never stands still', async () => {
    const table = new FakeTable({ a: '2' }, { a: '1' });
    let changes = 0;
    table.meanwhile = () => table.change('a', `not yet ${(changes += 1)}`);
    const { verdict, evidence } = await check(table);
    assert.deepEqual([verdict, evidence.inMotion, evidence.rounds], ['Passed', 1, 3]);
  });

  it('knows nothing when more changed than it looks at and none of that is wrong', async () => {
    const table = new FakeTable({ a: '2' }, { a: '1' });
    table.cutShort = true;
    table.meanwhile = () => table.change('a', '2');
    const { verdict, recorded } = await check(table);
    assert.deepEqual([verdict, recorded], ['Inconclusive', []]);
  });

  it('shows a repair and changes nothing, unless it is to be applied', async () => {
    const table = new FakeTable({ a: '1' }, { a: 'x', c: '3' });
    const { verdict, evidence } = await check(table, 'plan');
    assert.deepEqual(evidence.repair, {
      applied: false,
      writes: 1,
      deletes: 1,
      steps: [
        { key: 'a', action: 'write' },
        { key: 'c', action: 'delete' },
      ],
    });
    assert.deepEqual([verdict, table.repaired], ['Failed', []]);
  });

  it('repairs exactly the differing keys, and passes when they are right then', async () => {
    const table = new FakeTable({ a: '1', b: '2' }, { a: 'x', b: '2', c: '3' });
    const { verdict, recorded } = await check(table, 'apply');
    assert.deepEqual([verdict, table.repaired, recorded.length], ['Passed', ['a', 'c'], 1]);
  });

  it('fails when a repair did not help', async () => {
    const table = new FakeTable({ a: '1' }, { a: 'x' });
    table.repairs = false;
    const { verdict, summary } = await check(table, 'apply');
    assert.equal(verdict, 'Failed');
    assert.match(summary, /still wrong: 1 different/);
  });

  for (const [why, limit, cutShort] of [
    ['more differ than may be changed', 1, false],
    ['not all of them are known', 10, true],
  ] as const) {
    it(`repairs nothing when ${why}`, async () => {
      const table = new FakeTable({ a: '1', b: '2' }, {});
      table.cutShort = cutShort;
      const { verdict } = await check(table, 'apply', limit);
      assert.deepEqual([verdict, table.repaired], ['Failed', []]);
    });
  }
});

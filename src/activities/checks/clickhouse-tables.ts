import { serviceFault } from '../../clients/fault.js';
import type { Config } from '../../config.js';
import { PipelineError } from '../../core/errors.js';
import { expectedObjects, type ExpectedObject } from '../../core/expected-schema.js';
import { pendingMigrations } from '../../core/migrations.js';
import type { Finding } from '../../core/verification.js';
import { clickHousePlaceholders, readMigrations } from '../../provision/migrate.js';
import { ask } from '../../clients/ask-clickhouse.js';
import { failed, passed, type Check, type CheckDeps } from './check.js';

export interface FoundObject {
  readonly name: string;
  readonly engine: string;
  /** Of a materialized view: the table it writes to; else empty. */
  readonly target: string;
}

export interface TablesFacts {
  readonly objects: readonly FoundObject[];
  /** Names of tables that were detached: they are on disk, and nobody reads or fills them. */
  readonly detached: readonly string[];
  /** Replicas that take no writes; only on a cluster. */
  readonly readOnly: readonly string[];
  /** Files not applied yet, or why they cannot be. */
  readonly migrations: { readonly pending: readonly string[]; readonly fault: string | null };
}

/** What the migrations of this version expect of a deployment. */
export const expectedTables = (config: Config): ExpectedObject[] =>
  expectedObjects(
    readMigrations('clickhouse').map(({ text }) => text),
    clickHousePlaceholders(config),
  );

/** Every table and view that the migrations make is there, of its engine, writing where it should. */
export const clickhouseTables: Check = {
  name: 'clickhouse-tables',
  hop: 'clickhouse',
  stage: 'hops',
  run: async (deps) => judgeTables(expectedTables(deps.config), await read(deps)),
};

export function judgeTables(expected: readonly ExpectedObject[], facts: TablesFacts): Finding {
  const found = new Map(facts.objects.map((one) => [one.name, one]));
  const detached = new Set(facts.detached);
  const objects = expected.flatMap((one) => faultsOf(one, found.get(one.name), detached));
  const { pending, fault } = facts.migrations;
  const faults = [
    ...objects,
    ...(pending.length === 0 ? [] : [`migration ${pending.join(', ')} is not applied`]),
    ...(fault === null ? [] : [fault]),
    ...facts.readOnly.map((name) => `replica of ${name} is read-only`),
  ];
  const evidence = { faults, expected: expected.length, migrations: { pending, fault } };
  if (faults.length === 0) {
    return passed(`${expected.length} tables and views are as the migrations make them`, evidence);
  }
  return failed(faults.join('; '), evidence, nextFor(facts, objects));
}

function faultsOf(
  { name, engine, target }: ExpectedObject,
  found: FoundObject | undefined,
  detached: ReadonlySet<string>,
): string[] {
  const what = engine === 'MaterializedView' ? 'materialized view' : engine === 'View' ? 'view' : 'table';
  if (found === undefined) return [`${what} ${name} is ${detached.has(name) ? 'detached' : 'missing'}`];
  if (found.engine !== engine) return [`${what} ${name} has engine ${found.engine} instead of ${engine}`];
  if (target !== undefined && found.target !== target)
    return [`${what} ${name} writes to ${found.target} instead of ${target}`];
  return [];
}

function nextFor({ detached, migrations, readOnly }: TablesFacts, objects: readonly string[]): string {
  if (migrations.pending.length > 0) return 'tidemark migrate';
  if (objects.some((fault) => fault.endsWith('is detached'))) return `ATTACH TABLE ${detached.join(', ')}`;
  if (objects.length > 0) {
    return 'run the CREATE of what is missing again (sql/clickhouse); messages read meanwhile are in bronze or not read yet: tidemark verify --only users-content,events-content';
  }
  return readOnly.length > 0
    ? 'look at the connection to Keeper'
    : 'install the version that the tables belong to';
}

async function read(deps: CheckDeps): Promise<TablesFacts> {
  const { database } = deps.config.clickhouse;
  const rows = <Row>(query: string): Promise<Row[]> => ask<Row>(deps, query, { database });
  try {
    const [objects, detached, readOnly, applied] = await Promise.all([
      rows<FoundObject>(
        `SELECT name, engine, extract(create_table_query, ' TO (?:\\\\w+\\\\.)?(\\\\w+)') AS target
         FROM system.tables WHERE database = {database:String}`,
      ),
      rows<{ name: string }>(
        'SELECT table AS name FROM system.detached_tables WHERE database = {database:String} ORDER BY name',
      ),
      rows<{ name: string }>(
        'SELECT table AS name FROM system.replicas WHERE database = {database:String} AND is_readonly ORDER BY name',
      ),
      rows<{ name: string; digest: string }>(`SELECT name, digest FROM ${database}.ops_migrations FINAL`),
    ]);
    return {
      objects,
      detached: detached.map(({ name }) => name),
      readOnly: readOnly.map(({ name }) => name),
      migrations: migrationsOf(applied),
    };
  } catch (cause) {
    throw serviceFault('clickhouse', 'reading the tables', cause);
  }
}

function migrationsOf(applied: readonly { name: string; digest: string }[]): TablesFacts['migrations'] {
  try {
    const digests = new Map(applied.map(({ name, digest }) => [name, digest]));
    const pending = pendingMigrations(readMigrations('clickhouse'), digests).map(({ name }) => name);
    return { pending, fault: null };
  } catch (error) {
    if (!(error instanceof PipelineError)) throw error;
    return { pending: [], fault: error.message };
  }
}

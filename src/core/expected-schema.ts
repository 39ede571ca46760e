import { fillPlaceholders, splitStatements } from './migrations.js';

/** What the migrations make, read from their text: the truth that a deployed ClickHouse is compared with. */
export interface ExpectedObject {
  readonly name: string;
  /** As system.tables names it: `View` and `MaterializedView` are engines, too. */
  readonly engine: string;
  /** Of a materialized view: the table it writes to. */
  readonly target?: string;
  /** Of a table of the Kafka engine: what it reads, as which consumer group. */
  readonly source?: { readonly topic: string; readonly group: string };
}

const CREATE = /^CREATE\s+(TABLE|VIEW|MATERIALIZED\s+VIEW)\s+(?:IF\s+NOT\s+EXISTS\s+)?([\w.]+)/i;
const DROP = /^DROP\s+(?:TABLE|VIEW)\s+(?:IF\s+EXISTS\s+)?([\w.]+)/i;

/** The objects there are after all of `texts`, in the order in which they are made; names are without their database. */
export function expectedObjects(
  texts: readonly string[],
  placeholders: Readonly<Record<string, string>>,
): ExpectedObject[] {
  const objects = new Map<string, ExpectedObject>();
  for (const statement of texts.flatMap(splitStatements)) {
    const sql = fillPlaceholders(statement, placeholders);
    const dropped = DROP.exec(sql)?.[1];
    if (dropped !== undefined) objects.delete(baseName(dropped));
    const [, kind, name] = CREATE.exec(sql) ?? [];
    if (kind !== undefined && name !== undefined) {
      const object = objectOf(kind.toUpperCase(), baseName(name), sql);
      objects.set(object.name, object);
    }
  }
  return [...objects.values()];
}

function objectOf(kind: string, name: string, sql: string): ExpectedObject {
  if (kind === 'VIEW') return { name, engine: 'View' };
  if (kind.startsWith('MATERIALIZED')) {
    const target = /\sTO\s+([\w.]+)/i.exec(sql)?.[1];
    return { name, engine: 'MaterializedView', ...(target !== undefined && { target: baseName(target) }) };
  }
  const engine = /\bENGINE\s*=\s*(\w+)/i.exec(sql)?.[1] ?? '';
  const setting = (key: string): string => new RegExp(`${key}\\s*=\\s*'([^']*)'`).exec(sql)?.[1] ?? '';
  const source = { topic: setting('kafka_topic_list'), group: setting('kafka_group_name') };
  return { name, engine, ...(engine === 'Kafka' && { source }) };
}

const baseName = (name: string): string => name.split('.').at(-1) ?? name;

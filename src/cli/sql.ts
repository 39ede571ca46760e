import { readFileSync } from 'node:fs';
import type { ClickHouseClient } from '@clickhouse/client';
import type { Command } from 'commander';
import { connectClickHouse } from '../clients/clickhouse.js';
import { serviceFault } from '../clients/fault.js';
import { dataDirectory, loadConfig } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { fillPlaceholders, splitStatements } from '../core/migrations.js';
import { clickHousePlaceholders } from '../provision/migrate.js';
import { plainTable } from './table.js';

/** Statements that answer with rows. */
const ANSWERS = /^(SELECT|WITH|SHOW|DESCRIBE|EXISTS|EXPLAIN)\b/i;

export function addSql(program: Command): void {
  program
    .command('sql')
    .description("run a file of SQL on the pipeline's ClickHouse, with the placeholders of migrations")
    .argument('<file>', 'statements, each with a semicolon at the end of its last line')
    .option('--json', 'rows as JSON, a line each')
    .action(async (file: string, { json }: { json?: true }) => {
      const { dataDir } = program.opts<{ dataDir?: string }>();
      const config = loadConfig(dataDirectory(dataDir, process.env), process.env);
      const statements = splitStatements(fillPlaceholders(textOf(file), clickHousePlaceholders(config)));
      const clickhouse = connectClickHouse(config);
      try {
        for (const statement of statements) await run(clickhouse, statement, json ?? false);
      } catch (cause) {
        const fault = serviceFault('clickhouse', `running ${file}`, cause);
        if (fault.code !== 'CLICKHOUSE_FAILED') throw fault;
        const [line = ''] = (cause instanceof Error ? cause.message : String(cause)).split('\n');
        throw new PipelineError('SQL_FAILED', `running ${file}: ${line}`, { cause });
      } finally {
        await clickhouse.close();
      }
    });
}

function textOf(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new PipelineError('BAD_FILE', `reading ${file}: ${reason}`, { cause });
  }
}

async function run(clickhouse: ClickHouseClient, statement: string, json: boolean): Promise<void> {
  if (!ANSWERS.test(statement)) {
    await clickhouse.command({ query: statement });
    return;
  }
  const answer = await clickhouse.query({ query: statement, format: 'JSONCompact' });
  const { meta = [], data } = await answer.json<unknown[]>();
  const names = meta.map(({ name }) => name);
  if (json) {
    for (const row of data) {
      console.log(JSON.stringify(Object.fromEntries(names.map((name, column) => [name, row[column]]))));
    }
    return;
  }
  const isNumber = meta.map(({ type }) => /^(U?Int|Float|Decimal)/.test(type));
  const table = plainTable(
    names,
    isNumber.map((number) => (number ? 'right' : 'left')),
  );
  for (const row of data) table.push(row.map(String));
  console.log(table.toString());
}

import type { Command } from 'commander';
import { dataDirectory, loadConfig } from '../config.js';
import { migrate, provision } from '../provision.js';

export function addMigrate(program: Command): void {
  const config = () =>
    loadConfig(dataDirectory(program.opts<{ dataDir?: string }>().dataDir, process.env), process.env);

  program
    .command('migrate')
    .description('apply the numbered SQL of PostgreSQL and ClickHouse')
    .action(() => migrate(config(), console.log));

  program
    .command('connectors')
    .description('the Debezium connectors')
    .command('apply')
    .description(
      'topics, tables and connectors as they should be; a lost replication slot begins a new snapshot',
    )
    .action(() => provision(config(), console.log));
}

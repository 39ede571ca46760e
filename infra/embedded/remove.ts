import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { STACK_FILE } from '../../src/config.js';
import { removePostgresHome } from './postgres-home.js';
import { loadSecrets } from './secrets.js';

/** Everything a stack writes into its data directory; what else may lie there is not ours. */
const OURS = [
  'kafka',
  'connect',
  'postgres',
  'mongo',
  'clickhouse',
  'temporal',
  'logs',
  'run',
  STACK_FILE,
  'settings.json',
  // Last: it names what PostgreSQL keeps elsewhere.
  'secrets.json',
];

/** Removes a stopped stack's data, logs and passwords. */
export function removeStack(dataDir: string): void {
  if (existsSync(join(dataDir, 'secrets.json'))) removePostgresHome(loadSecrets(dataDir).instance);
  for (const name of OURS) rmSync(join(dataDir, name), { recursive: true, force: true });
}

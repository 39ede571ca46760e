import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fillStatement } from './core/gold-sql.js';
import { packageRoot } from './package-root.js';

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

/** The package's version, and a digest of the statement that makes gold: what can change a day's rows. */
export function codeVersion(): string {
  const digest = createHash('sha256')
    .update(fillStatement('d', 't', '1970-01-01'))
    .digest('hex');
  return `${packageVersion()}+gold.${digest.slice(0, 8)}`;
}

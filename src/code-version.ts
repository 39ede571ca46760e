import { createHash } from 'node:crypto';
import { fillStatement } from './core/gold-sql.js';
import { packageVersion } from './package-root.js';

/** The package's version, and a digest of the statement that makes gold: what can change a day's rows. */
export function codeVersion(): string {
  const digest = createHash('sha256')
    .update(fillStatement('d', 't', '1970-01-01'))
    .digest('hex');
  return `${packageVersion()}+gold.${digest.slice(0, 8)}`;
}

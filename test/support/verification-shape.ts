import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { packageRoot } from '../../src/package-root.js';

const published = readFileSync(join(packageRoot, 'docs', 'verification.schema.json'), 'utf8');
/** Made from the published file, and from nothing else. */
const Shape = z.fromJSONSchema(JSON.parse(published) as Parameters<typeof z.fromJSONSchema>[0]);

/** What is wrong with a result by the published schema; nothing of a right one. */
export function faultsOfShape(result: unknown): string[] {
  const parsed = Shape.safeParse(result);
  if (parsed.success) return [];
  return parsed.error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
}

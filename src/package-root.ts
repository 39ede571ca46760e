import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The folder that holds package.json, sql/ and infra/, wherever this file was compiled to. */
export const packageRoot: string = findUp(dirname(fileURLToPath(import.meta.url)));

export const packageVersion = (): string =>
  (JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as { version: string }).version;

function findUp(folder: string): string {
  if (existsSync(join(folder, 'package.json'))) return folder;
  const parent = dirname(folder);
  if (parent === folder) throw new Error('looking for package.json: not inside the tidemark package');
  return findUp(parent);
}

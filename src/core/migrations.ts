import { PipelineError } from './errors.js';

/** A numbered file of SQL. `digest` is of the text before placeholders are filled in. */
export interface Migration {
  readonly name: string;
  readonly digest: string;
  readonly text: string;
}

export type Applied = ReadonlyMap<string, string>;

/**
 * The migrations still to run, in order.
 * @throws PipelineError `MIGRATION_CHANGED` when an applied file reads differently now, `MIGRATION_OUT_OF_ORDER` when a
 *   file was added before one already applied, `MIGRATION_UNKNOWN` when the store is ahead of this version.
 */
export function pendingMigrations(files: readonly Migration[], applied: Applied): Migration[] {
  const pending: Migration[] = [];
  for (const file of files) {
    const digest = applied.get(file.name);
    if (digest === undefined) pending.push(file);
    else if (digest !== file.digest) {
      throw new PipelineError(
        'MIGRATION_CHANGED',
        `migrating: ${file.name} was changed after it had been applied`,
      );
    } else if (pending.length > 0) {
      throw new PipelineError(
        'MIGRATION_OUT_OF_ORDER',
        `migrating: ${pending[0]?.name} comes before ${file.name}, which is applied`,
      );
    }
  }
  const names = new Set(files.map((file) => file.name));
  for (const name of applied.keys()) {
    if (!names.has(name)) {
      throw new PipelineError(
        'MIGRATION_UNKNOWN',
        `migrating: ${name} was applied by a newer version of Tidemark`,
      );
    }
  }
  return pending;
}

/** Fills `${name}` placeholders. @throws PipelineError `MIGRATION_PLACEHOLDER` naming one that has no value. */
export function fillPlaceholders(text: string, values: Readonly<Record<string, string>>): string {
  return text.replace(/\$\{(\w+)\}/g, (_, name: string) => {
    const value = values[name];
    if (value === undefined)
      throw new PipelineError('MIGRATION_PLACEHOLDER', `migrating: nothing to put for \${${name}}`);
    return value;
  });
}

/** Statements end with a semicolon at the end of a line; whole-line comments are left out. */
export function splitStatements(text: string): string[] {
  return text
    .replace(/^\s*--.*$/gm, '')
    .split(/;[ \t]*$/m)
    .map((statement) => statement.trim())
    .filter((statement) => statement !== '');
}

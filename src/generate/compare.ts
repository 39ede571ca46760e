import { canonicalJson } from '../core/canonical-json.js';

/** A row as plain JSON: 64-bit numbers as decimal strings, times as ISO text or epoch milliseconds. */
export type Row = Readonly<Record<string, unknown>>;

/** How many rows, and the keys of the first few. */
export interface Found {
  count: number;
  examples: string[];
}

export interface Difference {
  readonly key: string;
  readonly column: string;
  readonly expected: unknown;
  readonly actual: unknown;
}

export interface ComparisonResult {
  readonly equal: boolean;
  readonly expectedRows: number;
  readonly actualRows: number;
  /** Expected, but not there. */
  readonly missing: Found;
  /** There, but not expected. */
  readonly extra: Found;
  /** There more than once; every row after the first counts. */
  readonly doubled: Found;
  /** There with other content; one example per column that differs. */
  readonly different: { readonly count: number; readonly examples: Difference[] };
}

export interface CompareOptions {
  /** How many examples of each kind to keep; default 5. */
  readonly examples?: number;
}

/**
 * Compares two sets of rows by content, whatever their order. A row's columns are those of the expected row; further
 * columns of the actual one are ignored.
 * @param key the column or columns that identify a row.
 * @throws RangeError when two expected rows have the same key, or a row lacks a key column.
 */
export function compareRows(
  expected: Iterable<Row>,
  actual: Iterable<Row>,
  key: string | readonly string[],
  options: CompareOptions = {},
): ComparisonResult {
  const comparison = new Comparison(expected, key, options);
  for (const row of actual) comparison.see(row);
  return comparison.result();
}

/** The same for actual rows that come one by one, as from a cursor. */
export class Comparison {
  readonly #waiting = new Map<string, Row>();
  readonly #seen = new Set<string>();
  readonly #keyColumns: readonly string[];
  readonly #limit: number;
  readonly #expectedRows: number;
  readonly #extra: Found = { count: 0, examples: [] };
  readonly #doubled: Found = { count: 0, examples: [] };
  readonly #different = { count: 0, examples: [] as Difference[] };
  #actualRows = 0;

  constructor(expected: Iterable<Row>, key: string | readonly string[], options: CompareOptions = {}) {
    this.#keyColumns = typeof key === 'string' ? [key] : key;
    this.#limit = options.examples ?? 5;
    for (const row of expected) {
      const rowKey = this.#keyOf(row);
      if (this.#waiting.has(rowKey)) throw new RangeError(`comparing rows: ${rowKey} is expected twice`);
      this.#waiting.set(rowKey, row);
    }
    this.#expectedRows = this.#waiting.size;
  }

  /** Takes one actual row. */
  see(actual: Row): void {
    this.#actualRows += 1;
    const key = this.#keyOf(actual);
    if (this.#seen.has(key)) return this.#count(this.#doubled, key);
    this.#seen.add(key);
    const expected = this.#waiting.get(key);
    if (expected === undefined) return this.#count(this.#extra, key);
    this.#waiting.delete(key);
    const columns = Object.keys(expected).filter((column) => !sameValue(expected[column], actual[column]));
    if (columns.length === 0) return;
    this.#different.count += 1;
    for (const column of columns) {
      if (this.#different.examples.length >= this.#limit) break;
      this.#different.examples.push({ key, column, expected: expected[column], actual: actual[column] });
    }
  }

  result(): ComparisonResult {
    const missing = { count: this.#waiting.size, examples: [...this.#waiting.keys()].slice(0, this.#limit) };
    const parts = { missing, extra: this.#extra, doubled: this.#doubled, different: this.#different };
    return {
      equal: Object.values(parts).every(({ count }) => count === 0),
      expectedRows: this.#expectedRows,
      actualRows: this.#actualRows,
      ...parts,
    };
  }

  #keyOf(row: Row): string {
    const parts = this.#keyColumns.map((column) => {
      const value = row[column];
      if (value === undefined) throw new RangeError(`comparing rows: a row without the key column ${column}`);
      return typeof value === 'string' ? value : canonicalJson(value);
    });
    return parts.join(' / ');
  }

  #count(found: Found, key: string): void {
    found.count += 1;
    if (found.examples.length < this.#limit) found.examples.push(key);
  }
}

const sameValue = (a: unknown, b: unknown): boolean => a === b || canonicalJson(a) === canonicalJson(b);

/** One line for people: "equal, 10 rows" or what differs. */
export function describeComparison(result: ComparisonResult): string {
  if (result.equal) return `equal, ${result.expectedRows} rows`;
  const parts = (['missing', 'extra', 'doubled', 'different'] as const)
    .filter((part) => result[part].count > 0)
    .map((part) => {
      const keys = result[part].examples.map((example) =>
        typeof example === 'string' ? example : `${example.key}.${example.column}`,
      );
      return `${result[part].count} ${part} (${keys.join(', ')}${result[part].count > keys.length ? ', ...' : ''})`;
    });
  return `${result.expectedRows} rows expected, ${result.actualRows} there: ${parts.join('; ')}`;
}

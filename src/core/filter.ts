import { Environment } from '@marcbachmann/cel-js';
import { DAY_MS } from './day.js';
import { PipelineError } from './errors.js';

/** Which records a replay takes. Every part given must hold; all times are epoch milliseconds, all ranges half-open. */
export interface Selection {
  readonly window?: { readonly fromMs: number; readonly toMs: number };
  /** A part of every UTC day in milliseconds since midnight; `fromMs` above `toMs` spans midnight. */
  readonly timeOfDay?: { readonly fromMs: number; readonly toMs: number };
  /** Where the record's time is: a dotted path into the JSON value. Without it, the record's timestamp. */
  readonly timeField?: string;
  /** CEL (https://cel.dev) over `key`, `value`, `headers`, `timestampMs`, `partition`, `offset`. */
  readonly filter?: string;
}

/** What became of a record: `unreadable` has no time where one is asked for, `undecided` fails the expression. */
export type Verdict = 'selected' | 'outside' | 'filtered' | 'unreadable' | 'undecided';

/** A record as a filter sees it; each part is made only when asked for. */
export interface FilterableRecord {
  readonly timestampMs: number;
  readonly partition: number;
  readonly offset: number;
  readonly keyText: () => string | null;
  readonly valueText: () => string | null;
  readonly headers: () => Map<string, string | null>;
}

export type Filter = (record: FilterableRecord) => Verdict;

/** True when the record's own timestamp decides alone, so that nothing of the record needs to be looked at. */
export const decidesByTimestamp = (selection: Selection): boolean =>
  selection.timeField === undefined && selection.filter === undefined;

/** @throws PipelineError `BAD_SELECTION` naming every fault: before anything starts. */
export function compileFilter(selection: Selection): Filter {
  const faults: string[] = [];
  const { window, timeOfDay, timeField } = selection;
  if (window && !(window.fromMs < window.toMs)) faults.push('the window ends before it begins');
  if (timeOfDay && !isTimeOfDay(timeOfDay))
    faults.push('the time of day must lie within one day and not be empty');
  if (timeField !== undefined && timeField.split('.').some((part) => part === '')) {
    faults.push(`the time field "${timeField}" has an empty part`);
  }
  const expression = selection.filter === undefined ? undefined : compileExpression(selection.filter, faults);
  if (faults.length > 0)
    throw new PipelineError('BAD_SELECTION', `reading the selection: ${faults.join('; ')}`);
  const path = timeField?.split('.');
  return (record) => {
    let parsed: { json: unknown } | undefined;
    const json = (): unknown => (parsed ??= { json: parseJson(record.valueText()) }).json;
    if (window || timeOfDay) {
      const timeMs = path ? timeOf(at(json(), path)) : record.timestampMs;
      if (timeMs === undefined) return 'unreadable';
      if (!isSelectedTime(selection, timeMs)) return 'outside';
    }
    return expression ? expression(record, json) : 'selected';
  };
}

/** Whether an instant lies in the window and in the part of the day. */
export function isSelectedTime({ window, timeOfDay }: Selection, timeMs: number): boolean {
  if (window && (timeMs < window.fromMs || timeMs >= window.toMs)) return false;
  if (timeOfDay === undefined) return true;
  const ofDayMs = ((timeMs % DAY_MS) + DAY_MS) % DAY_MS;
  const { fromMs, toMs } = timeOfDay;
  return fromMs < toMs ? ofDayMs >= fromMs && ofDayMs < toMs : ofDayMs >= fromMs || ofDayMs < toMs;
}

const isTimeOfDay = ({ fromMs, toMs }: { fromMs: number; toMs: number }): boolean =>
  fromMs >= 0 && fromMs < DAY_MS && toMs >= 0 && toMs <= DAY_MS && fromMs !== toMs;

const NO_HEADERS: ReadonlyMap<string, string | null> = new Map();

function compileExpression(
  text: string,
  faults: string[],
): ((record: FilterableRecord, json: () => unknown) => Verdict) | undefined {
  const environment = new Environment()
    .registerVariable('key', 'dyn')
    .registerVariable('value', 'dyn')
    .registerVariable('headers', 'map')
    .registerVariable('timestampMs', 'int')
    .registerVariable('partition', 'int')
    .registerVariable('offset', 'int');
  try {
    const evaluate = environment.parse(text);
    const checked = evaluate.check();
    if (!checked.valid) throw checked.error ?? new Error('it does not type-check');
    if (checked.type !== 'bool' && checked.type !== 'dyn')
      throw new Error(`it gives ${String(checked.type)}, not bool`);
    // What the expression does not name is not made: no value is parsed for a filter over offsets.
    const names = (variable: string): boolean => new RegExp(`\\b${variable}\\b`).test(text);
    const [usesKey, usesValue, usesHeaders] = [names('key'), names('value'), names('headers')];
    return (record, json) => {
      try {
        const context = {
          key: usesKey ? record.keyText() : null,
          value: usesValue ? (json() ?? record.valueText()) : null,
          headers: usesHeaders ? record.headers() : NO_HEADERS,
          // Whole numbers of CEL; those of JSON are doubles.
          timestampMs: BigInt(record.timestampMs),
          partition: BigInt(record.partition),
          offset: BigInt(record.offset),
        };
        const answer: unknown = evaluate(context);
        if (typeof answer !== 'boolean') return 'undecided';
        return answer ? 'selected' : 'filtered';
      } catch {
        // A field that this record lacks, a type that does not compare: counted, and shown in the result.
        return 'undecided';
      }
    };
  } catch (error) {
    const reason = error instanceof Error ? error.message.split('\n')[0] : String(error);
    faults.push(`the filter "${text}" is not a CEL expression over the record: ${reason ?? ''}`);
    return undefined;
  }
}

function parseJson(text: string | null): unknown {
  if (text === null) return undefined;
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // what is not JSON has no fields
  }
}

function at(json: unknown, path: readonly string[]): unknown {
  let found: unknown = json;
  for (const name of path) {
    if (typeof found !== 'object' || found === null) return undefined;
    found = (found as Record<string, unknown>)[name];
  }
  return found;
}

/** Below this a number is seconds (the year 5138), from it on milliseconds (1973). */
const SECONDS_BELOW = 1e11;

/**
 * An instant as JSON says it, in epoch milliseconds: ISO 8601 with a zone or without (UTC), seconds or milliseconds since
 * the epoch, either also as a string. Undefined when it is none.
 */
export function timeOf(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) ? ofEpoch(value) : undefined;
  if (typeof value !== 'string') return undefined;
  if (/^-?\d+(\.\d+)?$/.test(value)) return ofEpoch(Number(value));
  const iso = /^(\d{4}-\d{2}-\d{2})(?:[T ](\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)\s*(Z|[+-]\d{2}:?\d{2})?)?$/.exec(
    value,
  );
  if (!iso) return undefined;
  const [, date = '', time = '00:00', zone = 'Z'] = iso;
  const parsed = Date.parse(`${date}T${time}${zone}`);
  return Number.isNaN(parsed) ? undefined : parsed;
}

const ofEpoch = (value: number): number =>
  Math.abs(value) < SECONDS_BELOW ? Math.round(value * 1000) : Math.floor(value);

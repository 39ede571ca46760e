import { canonicalJson } from './canonical-json.js';

/**
 * An event as silver keeps it, from its document: what sql/clickhouse/0002_events.sql makes of the extended JSON that
 * Debezium writes. Texts are meant to be the very bytes that ClickHouse keeps, so that digests of both sides are equal; where
 * a rare value is written otherwise, `normalised` is what decides.
 */
export interface SilverEvent {
  /** Decimal; null where silver holds NULL. */
  readonly userId: string | null;
  readonly eventType: string;
  /** Epoch milliseconds. */
  readonly tsMs: number;
  readonly payload: string;
}

/** A document as the driver gives it with `promoteLongs: false`. */
export interface SourceEvent {
  readonly _id: unknown;
  readonly user_id?: unknown;
  readonly event_type?: unknown;
  readonly ts?: unknown;
  readonly payload?: unknown;
}

/** The instants that silver's `day` can hold, ms: `[1970-01-01, 2149-06-06)`. */
const LAST_DAY_MS = Date.UTC(2149, 5, 6);

/** Undefined: the document has no `ts` that silver could place on a day, so that it is in bronze_errors only. */
export function silverEvent(document: SourceEvent): SilverEvent | undefined {
  const { ts } = document;
  if (!(ts instanceof Date)) return undefined;
  const tsMs = ts.getTime();
  if (!(tsMs >= 0 && tsMs < LAST_DAY_MS)) return undefined;
  return {
    userId: integerOf(textOf(document.user_id)),
    eventType: textOf(document.event_type) ?? '',
    tsMs,
    payload: textOf(document.payload) ?? '',
  };
}

/** `JSONExtract(..., 'Nullable(String)')`: a text is itself, anything else its JSON. */
const textOf = (value: unknown): string | null =>
  value === undefined || value === null ? null : typeof value === 'string' ? value : strictJson(value);

const INT64 = { min: -(1n << 63n), max: (1n << 63n) - 1n };

/** `toInt64OrNull`, of the number or of the text in its `$numberLong`. */
function integerOf(text: string | null): string | null {
  const digits = text?.startsWith('{') ? numberLongOf(text) : text;
  if (digits === null || !/^[+-]?\d+$/.test(digits)) return null;
  const value = BigInt(digits.replace(/^\+/, ''));
  return value < INT64.min || value > INT64.max ? null : value.toString();
}

function numberLongOf(json: string): string | null {
  const { $numberLong: digits } = (parsed(json) ?? {}) as { $numberLong?: unknown };
  return typeof digits === 'string' ? digits : null;
}

/** Of BSON values the driver's class names them. */
interface BsonValue {
  readonly _bsontype?: string;
  toString(radix?: number | string): string;
  readonly [member: string]: unknown;
}

/**
 * Extended JSON in strict mode (MongoDB Extended JSON v1), compact, with numbers and escapes as ClickHouse writes them when
 * it takes a part out of a document: the shortest digits, `1e21`, `\u001F`.
 */
export function strictJson(value: unknown): string {
  if (value === undefined) return '{"$undefined":true}';
  if (value === null || typeof value === 'boolean') return String(value);
  if (typeof value === 'string') return jsonText(value);
  if (typeof value === 'number') return jsonNumber(value);
  if (Array.isArray(value)) return `[${value.map(strictJson).join(',')}]`;
  if (value instanceof Date) return `{"$date":${value.getTime()}}`;
  if (value instanceof RegExp)
    return `{"$regex":${jsonText(value.source)},"$options":${jsonText(value.flags)}}`;
  const bson = value as BsonValue;
  if (bson._bsontype !== undefined) return strictBson(bson, bson._bsontype);
  const members = Object.entries(value as Record<string, unknown>);
  return `{${members.map(([name, member]) => `${jsonText(name)}:${strictJson(member)}`).join(',')}}`;
}

function strictBson(value: BsonValue, type: string): string {
  switch (type) {
    case 'ObjectId':
      return `{"$oid":"${value.toString()}"}`;
    case 'Long':
      return `{"$numberLong":"${value.toString()}"}`;
    case 'Int32':
    case 'Double':
      return jsonNumber(Number(value.value));
    case 'Decimal128':
      return `{"$numberDecimal":"${value.toString()}"}`;
    case 'Binary':
      return `{"$binary":"${value.toString('base64')}","$type":"${Number(value.sub_type).toString(16).padStart(2, '0')}"}`;
    case 'Timestamp':
      return `{"$timestamp":{"t":${Number(value.t)},"i":${Number(value.i)}}}`;
    case 'BSONRegExp':
      return `{"$regex":${jsonText(String(value.pattern))},"$options":${jsonText(String(value.options))}}`;
    case 'BSONSymbol':
      return `{"$symbol":${jsonText(String(value.value))}}`;
    case 'MinKey':
      return '{"$minKey":1}';
    case 'MaxKey':
      return '{"$maxKey":1}';
    default:
      return `{"$${type}":${jsonText(value.toString())}}`;
  }
}

const ESCAPED_OTHERWISE = /\\u00([0-9a-f]{2})|[\u2028\u2029]/g;

/** JSON.stringify, but for the case of hexadecimal digits and the two separators that end a line in JavaScript. */
const jsonText = (text: string): string =>
  JSON.stringify(text).replace(ESCAPED_OTHERWISE, (found, digits: string | undefined) =>
    digits === undefined ? (found === '\u2028' ? '\\u2028' : '\\u2029') : `\\u00${digits.toUpperCase()}`,
  );

const jsonNumber = (value: number): string =>
  Object.is(value, -0) ? '-0' : String(value).replace('e+', 'e');

/**
 * The extended JSON by which Debezium names a document: that of its `_id`, but for 64-bit integers, which are bare numbers
 * (Debezium's JsonSerialization.getDocumentId).
 */
export const idJson = (id: unknown): string =>
  (id as BsonValue | null)?._bsontype === 'Long' ? String(id) : strictJson(id);

/**
 * An identity as both sides can tell it, whatever the spaces and escapes of its extended JSON: `s` and the text, `o` and the
 * digits of an ObjectId, `j` and the JSON of anything else.
 */
export function idText(id: unknown): string {
  if (typeof id === 'string') return `s${id}`;
  const json = idJson(id);
  const { $oid: digits } = (parsed(json) ?? {}) as { $oid?: unknown };
  return typeof digits === 'string' ? `o${digits}` : `j${json.replaceAll(' ', '')}`;
}

/** The text of a live row that both sides digest; texts carry their length in bytes. */
export function eventText(id: string, event: SilverEvent): string {
  const { userId, eventType, tsMs, payload } = event;
  const day = new Date(tsMs).toISOString().slice(0, 10);
  return `${bytes(id)} ${id} ${day} ${userId ?? '-'} ${bytes(eventType)} ${eventType} ${tsMs} ${payload}`;
}

const bytes = (text: string): number => {
  let length = text.length;
  // What UTF-8 needs beyond UTF-16's units; a pair of surrogates is two units and four bytes.
  for (let i = 0; i < text.length; i++) {
    const unit = text.charCodeAt(i);
    if (unit > 0x7f) length += unit > 0x7ff && (unit < 0xd800 || unit > 0xdfff) ? 2 : 1;
  }
  return length;
};

/** The same in one form, whatever the order of members, the spaces and the way numbers are written. */
export const normalised = (day: string, { userId, eventType, tsMs, payload }: SilverEvent): string =>
  JSON.stringify([day, userId, eventType, tsMs, canonicalText(payload)]);

/** The key of an event: the canonical JSON of its id's extended JSON. Whole numbers keep all their digits. */
export const eventKey = (extendedJson: string): string =>
  WHOLE_NUMBER.test(extendedJson) ? extendedJson : canonicalText(extendedJson);

export const WHOLE_NUMBER = /^-?\d+$/;

const canonicalText = (text: string): string => {
  const value = parsed(text);
  return value === undefined ? text : canonicalJson(value);
};

function parsed(json: string): unknown {
  try {
    return JSON.parse(json) as unknown;
  } catch {
    return undefined;
  }
}

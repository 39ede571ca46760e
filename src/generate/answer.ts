import { createWriteStream } from 'node:fs';
import { open, rename } from 'node:fs/promises';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { z } from 'zod';
import type { Day } from '../core/day.js';
import { PipelineError } from '../core/errors.js';

/** A row of silver_users, deleted ones as they were last. Times are ISO 8601 in UTC with microseconds. */
export interface UserAnswer {
  readonly user_id: string;
  readonly full_name: string;
  readonly email: string;
  readonly created_at: string;
  readonly updated_at: string;
  readonly is_deleted: boolean;
}

/** An event that exists at the end. */
export interface EventAnswer {
  /** The `_id` in extended JSON without spaces. */
  readonly event_id: string;
  readonly user_id: string;
  readonly event_type: string;
  /** Epoch milliseconds. */
  readonly ts: number;
  /** `payloadDigest` of the payload. */
  readonly payload: string;
}

/** What gold holds for a UTC day and a known user with events on it; the user as at the end. */
export interface GoldAnswer {
  readonly day: Day;
  readonly user_id: string;
  readonly total_events: number;
  readonly first_event_ms: number;
  readonly last_event_ms: number;
  /** Only types that occur. */
  readonly events_by_type: Readonly<Record<string, number>>;
  readonly full_name: string;
  readonly email: string;
  readonly is_deleted: boolean;
}

/** Events of a day whose user id never was a user's. Days without such events have no row. */
export interface UnknownAnswer {
  readonly day: Day;
  readonly events: number;
  /** How many user ids these events have. */
  readonly users: number;
}

/** Exactly what the tables must hold once everything generated has arrived. */
export interface Answer {
  /** The options the run had, for people. */
  readonly options: Readonly<Record<string, unknown>>;
  /** Days that have events, and those the run was asked for. */
  readonly days: readonly Day[];
  readonly users: readonly UserAnswer[];
  readonly events: readonly EventAnswer[];
  readonly gold: readonly GoldAnswer[];
  readonly unknown: readonly UnknownAnswer[];
  /** Users, deleted ones too, without any event on any day. */
  readonly usersWithoutEvents: readonly string[];
}

const FORMAT = 'tidemark-answer';
const VERSION = 1;
/** The parts that are written one row a line, in this order. */
const PARTS = ['users', 'events', 'gold', 'unknown', 'usersWithoutEvents'] as const;
type Part = (typeof PARTS)[number];

const Header = z.object({
  format: z.literal(FORMAT),
  version: z.literal(VERSION),
  options: z.record(z.string(), z.unknown()),
  days: z.array(z.string()),
  rows: z.record(z.enum(PARTS), z.int().nonnegative()),
});

/**
 * The lines of an answer file: a header with format, version and the number of rows of each part, then one row a line
 * as `["<part>", <row>]`.
 */
export function* answerLines(answer: Answer): Generator<string> {
  const rows = Object.fromEntries(PARTS.map((part) => [part, answer[part].length]));
  yield JSON.stringify({
    format: FORMAT,
    version: VERSION,
    options: answer.options,
    days: answer.days,
    rows,
  });
  for (const part of PARTS) {
    for (const row of answer[part]) yield JSON.stringify([part, row]);
  }
}

/** Writes the answer beside the file and then puts it in its place, so that a half-written answer is never read. */
export async function writeAnswer(file: string, answer: Answer): Promise<void> {
  const unfinished = `${file}.unfinished`;
  await pipeline(Readable.from(inChunks(answerLines(answer))), createWriteStream(unfinished));
  await rename(unfinished, file);
}

/** Reads an answer file. @throws PipelineError `BAD_ANSWER` when it is not one, or not whole. */
export async function loadAnswer(file: string): Promise<Answer> {
  const parts: Record<Part, unknown[]> = {
    users: [],
    events: [],
    gold: [],
    unknown: [],
    usersWithoutEvents: [],
  };
  let header: z.infer<typeof Header> | undefined;
  try {
    const handle = await open(file);
    for await (const line of handle.readLines()) {
      const json: unknown = JSON.parse(line);
      if (header === undefined) {
        header = Header.parse(json);
        continue;
      }
      // The rows are our own writing; the counts below show whether all of it is there.
      const [part, row] = json as [Part, unknown];
      parts[part].push(row);
    }
  } catch (cause) {
    const fault = isMissing(cause) ? 'there is no such file' : `not an answer file of version ${VERSION}`;
    throw new PipelineError('BAD_ANSWER', `reading the answer ${file}: ${fault}`, { cause });
  }
  const short = PARTS.filter((part) => parts[part].length !== header?.rows[part]);
  if (header === undefined || short.length > 0) {
    throw new PipelineError(
      'BAD_ANSWER',
      `reading the answer ${file}: it is cut short (${short.join(', ')})`,
    );
  }
  return { options: header.options, days: header.days, ...parts } as unknown as Answer;
}

const isMissing = (error: unknown): boolean => (error as NodeJS.ErrnoException).code === 'ENOENT';

/** Lines joined into chunks that are worth a write each. */
function* inChunks(lines: Iterable<string>): Generator<string> {
  const chunkLines = 1_000;
  let chunk: string[] = [];
  for (const line of lines) {
    chunk.push(line);
    if (chunk.length < chunkLines) continue;
    yield `${chunk.join('\n')}\n`;
    chunk = [];
  }
  if (chunk.length > 0) yield `${chunk.join('\n')}\n`;
}

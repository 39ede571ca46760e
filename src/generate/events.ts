import { DAY_MS } from '../core/day.js';
import type { Clock } from './clock.js';
import { eventId, FIRST_UNKNOWN_USER, userId, type EventId } from './keys.js';
import type { EventOptions } from './options.js';
import { drawPayload, drawType, type EventType, type Payload } from './payloads.js';
import { Random } from './random.js';
import { Pool, Urn } from './urn.js';

/** A document of `commerce.events`: the user id as a decimal string, `ts` in epoch milliseconds. */
export interface EventDocument {
  readonly _id: EventId;
  readonly user_id: string;
  readonly event_type: EventType;
  readonly ts: number;
  readonly payload: Payload;
}

/** The fields that an update sets; the others stay. */
export type EventChange = Partial<Pick<EventDocument, 'event_type' | 'payload' | 'ts'>>;

/** One change of one document; `ordinal` and `_id` name the same event. */
export type EventOperation =
  | { readonly op: 'insert'; readonly ordinal: number; readonly _id: EventId; readonly event: EventDocument }
  | { readonly op: 'update'; readonly ordinal: number; readonly _id: EventId; readonly set: EventChange }
  | { readonly op: 'delete'; readonly ordinal: number; readonly _id: EventId };

type EventKind = 'insert' | 'late' | 'reinsert' | 'update' | 'move' | 'delete';

/** How often each kind comes up in a run of known size; `late` are inserts, too. */
export function plannedEventSteps(options: EventOptions): Record<EventKind, number> {
  const share = (of: number): number => Math.round(options.events * of);
  return {
    insert: options.events - share(options.lateShare),
    late: share(options.lateShare),
    reinsert: Math.round(share(options.deleteShare) * options.reinsertShare),
    update: share(options.updateShare),
    move: share(options.moveShare),
    delete: share(options.deleteShare),
  };
}

/**
 * The operations of a run, in the order to apply them. The same options, users and clock give the same operations.
 * @param known ordinals that are users at some time; an event of any other user id is of an unknown user.
 */
export function* eventOperations(
  options: EventOptions,
  known: readonly number[],
  clock: Clock,
  { endless = false }: { endless?: boolean } = {},
): Generator<EventOperation> {
  const { seed } = options;
  const random = Random.of(seed, 3);
  const urn = new Urn(plannedEventSteps(options), { endless });
  const drawUser = userDraw(options, known, endless);
  const living = new Pool();
  const deleted = new Pool();
  const times: number[] = [];
  const types: EventType[] = [];

  for (let step = 0; ; step++) {
    const atMs = clock.atMs(step);
    const today = startOfDay(atMs);
    const kind = urn.draw(random, (kind) => {
      if (kind === 'insert') return true;
      if (kind === 'late') return today > clock.firstMs;
      if (kind === 'reinsert') return deleted.size > 0;
      return living.size > 0 && (kind !== 'move' || today > clock.firstMs);
    });
    if (kind === undefined) return;
    if (kind === 'insert' || kind === 'late' || kind === 'reinsert') {
      const ordinal = kind === 'reinsert' ? deleted.take(random) : times.length;
      const ts = kind === 'late' ? lateTime(random, clock.firstMs, today) : timelyTime(random, atMs, today);
      const event = drawEvent(
        random,
        eventId(seed, ordinal),
        userId(seed, drawUser(random, kind !== 'reinsert')),
        ts,
      );
      times[ordinal] = ts;
      types[ordinal] = event.event_type;
      living.add(ordinal);
      yield { op: 'insert', ordinal, _id: event._id, event };
      continue;
    }
    const ordinal = kind === 'delete' ? living.take(random) : living.pick(random);
    const _id = eventId(seed, ordinal);
    if (kind === 'delete') {
      deleted.add(ordinal);
      yield { op: 'delete', ordinal, _id };
    } else if (kind === 'move') {
      const ts = movedTime(random, times[ordinal] ?? 0, clock.firstMs, today);
      times[ordinal] = ts;
      yield { op: 'update', ordinal, _id, set: { ts } };
    } else {
      const set = drawCorrection(random, types[ordinal]);
      types[ordinal] = set.event_type ?? types[ordinal] ?? 'page_view';
      yield { op: 'update', ordinal, _id, set };
    }
  }
}

function drawEvent(random: Random, _id: EventId, user_id: string, ts: number): EventDocument {
  const event_type = drawType(random);
  return { _id, user_id, event_type, ts, payload: drawPayload(random, event_type) };
}

/** Another payload; for every fourth correction of another type, too, which changes the counts per type. */
function drawCorrection(random: Random, type: EventType = 'page_view'): EventChange {
  const event_type = random.chance(0.25) ? drawType(random) : type;
  const payload = drawPayload(random, event_type);
  return event_type === type ? { payload } : { event_type, payload };
}

/** Few users are very active, most a little, some never; a planned share of events has a user nobody knows. */
function userDraw(
  options: EventOptions,
  known: readonly number[],
  endless: boolean,
): (random: Random, mayBeUnknown: boolean) => number {
  const active = shuffled(known, Random.of(options.seed, 4));
  active.length = Math.ceil(active.length * (1 - options.idleShare));
  const unknownUsers = Math.ceil(known.length / 50) + 1;
  const unknown = Math.round(options.events * options.unknownShare);
  const urn = new Urn({ known: options.events - unknown, unknown }, { endless });
  return (random, mayBeUnknown) => {
    const isUnknown = mayBeUnknown && urn.draw(random, () => true) === 'unknown';
    if (isUnknown || active.length === 0) return FIRST_UNKNOWN_USER + random.int(0, unknownUsers);
    return active[Math.floor(active.length * random.fraction() ** 2)] ?? random.pick(active);
  };
}

/** Fisher and Yates' shuffle, of a copy. */
function shuffled(ordinals: readonly number[], random: Random): number[] {
  const pool = new Pool();
  for (const ordinal of ordinals) pool.add(ordinal);
  return ordinals.map(() => pool.take(random));
}

const startOfDay = (epochMs: number): number => Math.floor(epochMs / DAY_MS) * DAY_MS;

/** Seconds before it is written, on the day it is written; now and then the very first instant of that day. */
function timelyTime(random: Random, atMs: number, today: number): number {
  return random.chance(0.005) ? today : Math.max(today, atMs - random.int(0, 5_000));
}

/** Some instant of an earlier day. */
function lateTime(random: Random, firstMs: number, today: number): number {
  return timeOfDay(random, firstMs + random.int(0, (today - firstMs) / DAY_MS) * DAY_MS);
}

/** Some instant of another day, no later than today. */
function movedTime(random: Random, ts: number, firstMs: number, today: number): number {
  const drawn = firstMs + random.int(0, (today - firstMs) / DAY_MS) * DAY_MS;
  return timeOfDay(random, drawn === startOfDay(ts) ? today : drawn);
}

/** Any instant of a day; its first and last millisecond come up often enough to matter. */
function timeOfDay(random: Random, dayStart: number): number {
  if (random.chance(0.04)) return random.chance(0.5) ? dayStart : dayStart + DAY_MS - 1;
  return dayStart + random.int(0, DAY_MS);
}

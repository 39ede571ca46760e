import type { Clock } from './clock.js';
import { FIRST_CHANGED_KEY, userId } from './keys.js';
import { email, Names } from './names.js';
import type { UserOptions } from './options.js';
import { Random } from './random.js';
import { Pool, Urn } from './urn.js';

/** A row of `public.users`: the id as a decimal string, times as ISO 8601 in UTC with microseconds. */
export interface UserRow {
  readonly user_id: string;
  readonly full_name: string;
  readonly email: string;
  readonly created_at: string;
  readonly updated_at: string;
}

/** One statement's worth of change. An insert may be of a key that was deleted before. */
export type UserOperation =
  | { readonly op: 'insert'; readonly row: UserRow }
  | { readonly op: 'update'; readonly row: UserRow }
  | { readonly op: 'delete'; readonly user_id: string }
  | { readonly op: 'changeKey'; readonly from: string; readonly row: UserRow };

/** The same without attributes: which ordinal something happens to. `known` says that it is a user from now on. */
export type UserStep =
  | { readonly kind: 'insert'; readonly ordinal: number }
  | { readonly kind: 'reinsert'; readonly ordinal: number }
  | { readonly kind: 'update'; readonly ordinal: number }
  | { readonly kind: 'delete'; readonly ordinal: number }
  | { readonly kind: 'changeKey'; readonly ordinal: number; readonly to: number };

interface Endless {
  /** Go on for ever, with the planned counts as weights. */
  readonly endless?: boolean;
}

/** How often each kind of step comes up in a run of known size. */
export function plannedUserSteps(options: UserOptions): Record<UserStep['kind'], number> {
  const deletes = Math.round(options.users * options.deleteShare);
  return {
    insert: options.users,
    reinsert: Math.round(deletes * options.reinsertShare),
    update: Math.round(options.users * options.updateShare),
    delete: deletes,
    changeKey: Math.round(options.users * options.changeKeyShare),
  };
}

export const countSteps = (planned: Readonly<Record<string, number>>): number =>
  Object.values(planned).reduce((sum, count) => sum + count, 0);

/** Decides what happens to whom, in order. */
export function* userSteps(options: UserOptions, { endless = false }: Endless = {}): Generator<UserStep> {
  const random = Random.of(options.seed, 1);
  const urn = new Urn(plannedUserSteps(options), { endless });
  const living = new Pool();
  const deleted = new Pool();
  let inserted = 0;
  let changed = 0;
  const isPossible = (kind: UserStep['kind']): boolean => {
    if (kind === 'insert') return true;
    return kind === 'reinsert' ? deleted.size > 0 : living.size > 0;
  };
  for (;;) {
    const kind = urn.draw(random, isPossible);
    switch (kind) {
      case undefined:
        return;
      case 'insert':
      case 'reinsert': {
        const ordinal = kind === 'insert' ? inserted++ : deleted.take(random);
        living.add(ordinal);
        yield { kind, ordinal };
        break;
      }
      case 'update':
        yield { kind, ordinal: living.pick(random) };
        break;
      case 'delete': {
        const ordinal = living.take(random);
        deleted.add(ordinal);
        yield { kind, ordinal };
        break;
      }
      case 'changeKey': {
        const ordinal = living.take(random);
        const ontoDeleted = deleted.size > 0 && random.chance(0.25);
        const to = ontoDeleted ? deleted.take(random) : FIRST_CHANGED_KEY + changed++;
        living.add(to);
        deleted.add(ordinal);
        yield { kind, ordinal, to };
        break;
      }
    }
  }
}

/** The ordinals that are users at some time of a run: what events may refer to. */
export function knownUsers(options: UserOptions): number[] {
  const known = new Set<number>();
  for (const step of userSteps(options)) known.add(step.kind === 'changeKey' ? step.to : step.ordinal);
  return [...known];
}

/** The operations of a run, in the order to apply them. The same options and clock give the same operations. */
export function* userOperations(
  options: UserOptions,
  clock: Clock,
  endless: Endless = {},
): Generator<UserOperation> {
  const names = new Names(options.seed);
  const random = Random.of(options.seed, 2);
  const rows = new Map<number, UserRow>();
  let stepNumber = 0;
  for (const step of userSteps(options, endless)) {
    const now = isoMicros(clock.atMs(stepNumber++), random.int(0, 1_000));
    if (step.kind === 'insert' || step.kind === 'reinsert') {
      const row: UserRow = {
        user_id: userId(options.seed, step.ordinal),
        full_name: names.fullName(random),
        email: email(random, step.ordinal),
        created_at: now,
        updated_at: now,
      };
      rows.set(step.ordinal, row);
      yield { op: 'insert', row };
      continue;
    }
    const before = rows.get(step.ordinal);
    if (before === undefined)
      throw new RangeError(`generating users: ${step.kind} of a row that is not there`);
    if (step.kind === 'changeKey') {
      const row = { ...before, user_id: userId(options.seed, step.to), updated_at: now };
      rows.delete(step.ordinal);
      rows.set(step.to, row);
      yield { op: 'changeKey', from: before.user_id, row };
    } else if (step.kind === 'update') {
      const row = { ...before, ...newAttributes(names, random, step.ordinal), updated_at: now };
      rows.set(step.ordinal, row);
      yield { op: 'update', row };
    } else {
      rows.delete(step.ordinal);
      yield { op: 'delete', user_id: before.user_id };
    }
  }
}

/** A move to another address, another name, or nothing but a touch of `updated_at`. */
function newAttributes(names: Names, random: Random, ordinal: number): Partial<UserRow> {
  const chance = random.fraction();
  if (chance < 0.6) return { email: email(random, ordinal) };
  return chance < 0.9 ? { full_name: names.fullName(random) } : {};
}

const isoMicros = (epochMs: number, micros: number): string =>
  `${new Date(epochMs).toISOString().slice(0, -1)}${String(micros).padStart(3, '0')}Z`;

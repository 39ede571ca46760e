import { connectMongo } from '../clients/mongo.js';
import { connectPostgres } from '../clients/postgres.js';
import type { Config } from '../config.js';
import { writeAnswer, type Answer, type EventAnswer, type UserAnswer } from './answer.js';
import { live } from './clock.js';
import { eventOperations, plannedEventSteps, type EventOperation } from './events.js';
import { answerOf, eventRun, eventsAfter, userRun, usersAfter } from './expected.js';
import { EventModel, UserModel } from './model.js';
import type { EventOptions, UserOptions } from './options.js';
import { writeRun, type Generated, type KeepingOptions, type RunOptions, type Written } from './run.js';
import { sourceFailure } from './source-failure.js';
import { eventsOfSeed, usersOfSeed } from './sources.js';
import { countSteps, knownUsers, plannedUserSteps, userOperations, type UserOperation } from './users.js';
import { eventWriter, type StoredEvent } from './writers/mongo.js';
import { userWriter } from './writers/postgres.js';

/**
 * Writes users. Running it again with the same options finds its rows and writes nothing.
 * @throws PipelineError `ALREADY_GENERATED` when other rows of the seed are there, `SOURCE_FAILED`, `SOURCE_CHANGED`.
 */
export async function generateUsers(
  config: Config,
  options: UserOptions,
  run: RunOptions = {},
): Promise<Generated> {
  const { generated, rows } = await writeUsers(config, options, run);
  if (run.answerFile === undefined) return generated;
  await writeAnswer(run.answerFile, answerOf({ users: rows(), events: [] }, { users: options }));
  return { ...generated, answerFile: run.answerFile };
}

/**
 * Writes events of the users that `generateUsers` makes with these very user options; the answer takes those users as
 * given. Errors and repetition as there.
 */
export async function generateEvents(
  config: Config,
  options: { readonly events: EventOptions; readonly users: UserOptions },
  run: RunOptions = {},
): Promise<Generated> {
  const { generated, rows } = await writeEvents(config, options, run);
  if (run.answerFile === undefined) return generated;
  await writeAnswer(run.answerFile, answerOf({ users: usersAfter(options.users), events: rows() }, options));
  return { ...generated, answerFile: run.answerFile };
}

/** Users, then events (together when continuous), and the one answer to both. */
export async function generateAll(
  config: Config,
  options: { readonly events: EventOptions; readonly users: UserOptions },
  run: RunOptions = {},
): Promise<{ readonly users: Generated; readonly events: Generated; readonly answer: Answer }> {
  const keep = { ...run, keepRows: true };
  const [users, events] =
    run.continuous === true
      ? await together(run.signal, (signal) => [
          writeUsers(config, options.users, { ...keep, signal }),
          writeEvents(config, options, { ...keep, signal }),
        ])
      : [await writeUsers(config, options.users, keep), await writeEvents(config, options, keep)];
  const answer = answerOf({ users: users.rows(), events: events.rows() }, options);
  if (run.answerFile !== undefined) await writeAnswer(run.answerFile, answer);
  return { users: users.generated, events: events.generated, answer };
}

/** Runs two endless writers; when one fails, the other is stopped before the failure is reported. */
async function together<A, B>(
  signal: AbortSignal | undefined,
  start: (signal: AbortSignal) => [Promise<A>, Promise<B>],
): Promise<[A, B]> {
  const failed = new AbortController();
  const either = signal === undefined ? failed.signal : AbortSignal.any([signal, failed.signal]);
  const running = start(either);
  for (const one of running) one.catch(() => failed.abort());
  await Promise.allSettled(running);
  return Promise.all(running);
}

async function writeUsers(
  config: Config,
  options: UserOptions,
  run: KeepingOptions,
): Promise<Written<UserAnswer>> {
  const pool = connectPostgres(config);
  try {
    return await writeRun<UserOperation, UserAnswer>(run, {
      source: 'users',
      seed: options.seed,
      present: usersOfSeed(pool, options.seed),
      expected: () => usersAfter(options),
      planned: countSteps(plannedUserSteps(options)),
      bounded: () => userRun(options),
      endless: () => userOperations(options, live(Date.now), { endless: true }),
      write: userWriter(pool),
      model: new UserModel(),
    });
  } catch (error) {
    throw sourceFailure('PostgreSQL', 'generating users', error);
  } finally {
    await pool.end();
  }
}

async function writeEvents(
  config: Config,
  options: { readonly events: EventOptions; readonly users: UserOptions },
  run: KeepingOptions,
): Promise<Written<EventAnswer>> {
  const { events, users } = options;
  let close = (): Promise<void> => Promise.resolve();
  try {
    const client = await connectMongo(config);
    close = () => client.close();
    const collection = client.db(config.mongo.database).collection<StoredEvent>('events');
    return await writeRun<EventOperation, EventAnswer>(run, {
      source: 'events',
      seed: events.seed,
      present: eventsOfSeed(collection, events.seed),
      expected: () => eventsAfter(events, users),
      planned: countSteps(plannedEventSteps(events)),
      bounded: () => eventRun(events, users),
      endless: () => eventOperations(events, knownUsers(users), live(Date.now), { endless: true }),
      write: eventWriter(collection),
      model: new EventModel(),
    });
  } catch (error) {
    throw sourceFailure('MongoDB', 'generating events', error);
  } finally {
    await close();
  }
}

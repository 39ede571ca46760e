import {
  ScheduleNotFoundError,
  ScheduleOverlapPolicy,
  type Client,
  type ScheduleDescription,
  type ScheduleUpdateOptions,
} from '@temporalio/client';
import { settledSchedule } from '../clients/settled-schedule.js';
import { fromTemporal } from '../clients/workflow-fault.js';
import { PipelineError } from '../core/errors.js';
import { CONTROL_QUEUE, GOLD_SCHEDULE_ID } from '../core/ids.js';
import type { GoldBackfillInput } from '../messages.js';
import type { ClientConnections } from './connections.js';

/** What is not named stays as the schedule has it; the defaults are a new one's. */
export interface GoldScheduleOptions {
  /** Time of the day in UTC, `HH:MM`; default 00:30. */
  readonly at?: string;
  /** Days looked at each time, the previous one first; default 7. */
  readonly lastDays?: number;
  /** How late a run may still be made up for, hours; default 48. */
  readonly catchUpHours?: number;
}

export interface GoldScheduleView extends Required<GoldScheduleOptions> {
  readonly paused: boolean;
  readonly pauseOnFailure: boolean;
  readonly overlap: string;
  /** Why it is paused, and who wrote that. */
  readonly note: string;
  readonly nextAtMs: readonly number[];
  /** The last runs: when, and the workflow that each started. */
  readonly recent: readonly { readonly atMs: number; readonly workflowId: string }[];
}

const DEFAULTS: Required<GoldScheduleOptions> = { at: '00:30', lastDays: 7, catchUpHours: 48 };
/** What is shown where no option can say it. */
const UNSAID: Required<GoldScheduleOptions> = { at: '--:--', lastDays: 0, catchUpHours: 0 };
const MOST_DAYS = 366;

type GoldSchedule = Omit<ScheduleUpdateOptions, 'state'>;

/** `tidemark.schedule`: gold every day, by the Temporal schedule `gold-daily`. */
export class ScheduleClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /**
   * Creates the schedule, or gives the one there is these options, and leaves it the others; a paused one stays paused.
   * @throws PipelineError `BAD_SCHEDULE`, `TEMPORAL_UNREACHABLE`.
   */
  async apply(options: GoldScheduleOptions = {}): Promise<void> {
    // Before anything is asked: options that make no sense are refused whether or not there is a schedule.
    const created = goldSchedule({ ...DEFAULTS, ...options });
    await this.#call('applying', async (client) => {
      const handle = client.schedule.getHandle(GOLD_SCHEDULE_ID);
      try {
        // An update before would make Temporal forget a failure that it has not looked at.
        await settledSchedule(handle);
        await handle.update((found) => ({
          ...goldSchedule({ ...DEFAULTS, ...optionsOf(found), ...options }),
          state: found.state,
        }));
      } catch (error) {
        if (!(error instanceof ScheduleNotFoundError)) throw error;
        await client.schedule.create({ scheduleId: GOLD_SCHEDULE_ID, ...created });
      }
    });
  }

  /** @throws PipelineError `NO_SCHEDULE`. */
  show(): Promise<GoldScheduleView> {
    return this.#call('reading', async (client) => {
      const described = await settledSchedule(client.schedule.getHandle(GOLD_SCHEDULE_ID));
      const { policies, state, info } = described;
      return {
        ...UNSAID,
        ...optionsOf(described),
        paused: state.paused,
        pauseOnFailure: policies.pauseOnFailure,
        overlap: String(policies.overlap),
        note: state.note ?? '',
        nextAtMs: info.nextActionTimes.slice(0, 3).map((time) => time.getTime()),
        recent: info.recentActions.slice(-5).map(({ takenAt, action: { workflow } }) => ({
          atMs: takenAt.getTime(),
          workflowId: workflow.workflowId,
        })),
      };
    });
  }

  /** @throws PipelineError `NO_SCHEDULE`. */
  pause(note: string): Promise<void> {
    return this.#call('pausing', (client) => client.schedule.getHandle(GOLD_SCHEDULE_ID).pause(note));
  }

  /** @throws PipelineError `NO_SCHEDULE`. */
  resume(note: string): Promise<void> {
    return this.#call('resuming', async (client) => {
      const handle = client.schedule.getHandle(GOLD_SCHEDULE_ID);
      // A failure that Temporal looks at later would pause it again.
      await settledSchedule(handle);
      await handle.unpause(note);
    });
  }

  /**
   * Runs it now; while a run is under way, right after that, unless another one waits already: then nothing comes of it.
   * @throws PipelineError `NO_SCHEDULE`.
   */
  trigger(): Promise<void> {
    return this.#call('triggering', (client) =>
      // By default it would be ALLOW_ALL, whose runs Temporal starts and forgets: they overlap, and pause nothing.
      client.schedule.getHandle(GOLD_SCHEDULE_ID).trigger(ScheduleOverlapPolicy.BUFFER_ONE),
    );
  }

  async #call<T>(what: string, call: (client: Client) => Promise<T>): Promise<T> {
    const doing = `${what} schedule ${GOLD_SCHEDULE_ID}`;
    const client = await this.#connections.temporal();
    try {
      return await call(client);
    } catch (error) {
      if (!(error instanceof ScheduleNotFoundError)) throw fromTemporal(doing, error);
      const message = `${doing}: there is none (tidemark schedule apply makes it)`;
      throw new PipelineError('NO_SCHEDULE', message, { cause: error });
    }
  }
}

/**
 * Once a day a backfill of the last days, the previous one first and then those that became stale. Every policy is set,
 * none left to a default: a run that takes longer than a day makes the next wait (one at most), a Temporal that was away
 * makes up for what it missed, and a run that failed or timed out pauses the schedule, not one that was cancelled or
 * terminated. Temporal looks at how a run ended when the next one is due, before it starts it, or when somebody describes
 * the schedule. What is due while it is paused is not made up for.
 */
function goldSchedule({ at, lastDays, catchUpHours }: Required<GoldScheduleOptions>): GoldSchedule {
  const [hour, minute] = timeOfDay(at);
  if (!Number.isInteger(lastDays) || lastDays < 1 || lastDays > MOST_DAYS) {
    throw badSchedule(`the last ${lastDays} days; from 1 to ${MOST_DAYS} can be looked at`);
  }
  if (!(catchUpHours > 0)) throw badSchedule(`a catch-up of ${catchUpHours} hours; it must be above 0`);
  const input: GoldBackfillInput = {
    range: { lastDays },
    selection: { missing: true, stale: true, also: [], all: false },
    // The previous day before all others.
    parallelism: 1,
    requestedBy: `schedule ${GOLD_SCHEDULE_ID}`,
  };
  return {
    spec: { calendars: [{ hour, minute }], timezone: 'UTC' },
    policies: {
      overlap: ScheduleOverlapPolicy.BUFFER_ONE,
      catchupWindow: `${catchUpHours}h`,
      pauseOnFailure: true,
    },
    action: {
      type: 'startWorkflow',
      workflowType: 'goldBackfill',
      workflowId: GOLD_SCHEDULE_ID,
      taskQueue: CONTROL_QUEUE,
      args: [input],
      staticSummary: `gold of the last ${lastDays} days`,
    },
  };
}

/** The options of a schedule, without those that somebody has set in a way that no option can say. */
function optionsOf({ spec, action, policies }: ScheduleDescription): GoldScheduleOptions {
  const [calendar] = spec.calendars ?? [];
  const [input] = (action.args ?? []) as [GoldBackfillInput?];
  return {
    ...(calendar !== undefined && {
      at: `${twoDigits(calendar.hour[0]?.start)}:${twoDigits(calendar.minute[0]?.start)}`,
    }),
    ...(input !== undefined && 'lastDays' in input.range && { lastDays: input.range.lastDays }),
    catchUpHours: policies.catchupWindow / 3_600_000,
  };
}

function timeOfDay(text: string): [number, number] {
  const match = /^([01]\d|2[0-3]):([0-5]\d)$/.exec(text);
  if (match === null) throw badSchedule(`the time "${text}"; expected HH:MM`);
  return [Number(match[1]), Number(match[2])];
}

const badSchedule = (what: string): PipelineError =>
  new PipelineError('BAD_SCHEDULE', `applying schedule ${GOLD_SCHEDULE_ID}: ${what}`);

const twoDigits = (value = 0): string => String(value).padStart(2, '0');

import type { ClickHouseClient } from '@clickhouse/client';
import { Context } from '@temporalio/activity';
import { ask } from '../clients/ask-clickhouse.js';
import { serviceFault } from '../clients/fault.js';
import { abandonRuns } from '../core/gold-sql.js';
import { addDays, daysBetween } from '../core/day.js';
import { planDays, type PlannedDay } from '../core/gold-days.js';
import { MONGO_CONNECTOR } from '../core/names.js';
import type {
  AwaitMarkInput,
  ComputeGoldInput,
  GoldDayResult,
  Lap,
  PlanBackfillInput,
  RecordFailureInput,
} from '../messages.js';
import { computeGold } from './gold-attempt.js';
import { readGoldDays } from './gold-days.js';
import { insertRun, serverNowMs } from './gold-record.js';
import { waitLap } from './wait-lap.js';

export interface ClickHouseDeps {
  readonly clickhouse: Pick<ClickHouseClient, 'query' | 'command' | 'insert'>;
  readonly database: string;
  /** `ON CLUSTER ...` where there is one, else ''. */
  readonly onCluster: string;
  /** What computes, for the record. */
  readonly codeVersion: string;
}

export type ClickHouseActivities = ReturnType<typeof createClickHouseActivities>;

export function createClickHouseActivities(deps: ClickHouseDeps) {
  const { database } = deps;

  return {
    /** Waits until a mark among the events is in silver: by then the topics hold all that came before it. */
    awaitMark: ({ id, waitMs }: AwaitMarkInput): Promise<Lap<null>> =>
      waitLap(waitMs, async () => {
        try {
          // Not FINAL: the mark may have been removed at the source already.
          const [row] = await ask<{ found: number }>(
            deps,
            `SELECT count() > 0 AS found FROM ${database}.silver_events
             WHERE day = '1970-01-01' AND event_id = {id:String}`,
            { id: JSON.stringify(id) },
          );
          if (row?.found === 1) return { passed: true, value: null };
        } catch (cause) {
          throw serviceFault('clickhouse', 'looking for the mark among the events', cause);
        }
        const waitingFor = `connector ${MONGO_CONNECTOR} to produce, and ClickHouse to read, event ${id}`;
        return { passed: false, waitingFor };
      }),

    /** The days of a backfill that have to be computed, newest first, each with why. */
    async planGoldBackfill({ from, to, selection }: PlanBackfillInput): Promise<PlannedDay[]> {
      try {
        const days = daysBetween(from, addDays(to, 1));
        const users = selection.also.includes('users-changed');
        const states = await readGoldDays(deps, { days, users, codeVersion: deps.codeVersion });
        return planDays(states, selection);
      } catch (cause) {
        throw serviceFault('clickhouse', `planning the days from ${from} to ${to}`, cause);
      }
    },

    /** One attempt at a day, unless its record stands: see gold-attempt.ts. */
    computeGold: (input: ComputeGoldInput): Promise<GoldDayResult> => computeGold(deps, input),

    /** Records a run that failed; attempt 0 when it did so before any attempt at computing. */
    async recordGoldFailure(input: RecordFailureInput): Promise<void> {
      const doing = `recording the failed run of ${input.day}`;
      try {
        const { workflowExecution } = Context.current().info;
        const runId = workflowExecution?.runId ?? '';
        const nowMs = await serverNowMs(deps);
        const query_params = { runId, attempt: 0, nowMs };
        await deps.clickhouse.command({ query: abandonRuns(database, input.day, 'others'), query_params });
        await insertRun(deps, {
          day: input.day,
          runId,
          attempt: 0,
          status: 'failed',
          requestedBy: input.requestedBy,
          codeVersion: deps.codeVersion,
          forced: input.forced,
          isFinal: false,
          rowsRead: '0',
          rowsWritten: '0',
          events: '0',
          unknownUsers: '0',
          unknownEvents: '0',
          positions: {},
          startedAtMs: input.startedAtMs,
          finishedAtMs: nowMs,
          durationMs: Math.max(0, nowMs - input.startedAtMs),
          errorCode: input.errorCode,
        });
      } catch (cause) {
        throw serviceFault('clickhouse', doing, cause);
      }
    },
  };
}

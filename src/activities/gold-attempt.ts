import { Context } from '@temporalio/activity';
import { clickHouseCode, serviceFault } from '../clients/fault.js';
import { PipelineError } from '../core/errors.js';
import type { GoldAttempt } from '../core/ids.js';
import type { ComputeGoldInput, GoldDayResult, GoldRun } from '../messages.js';
import type { ClickHouseDeps } from './clickhouse.js';
import { staleSince } from './gold-days.js';
import { insertRun } from './gold-record.js';
import { AttemptSteps } from './gold-steps.js';

/** Heartbeats: well below the timeout (workflows/options.ts), seldom enough to cost nothing. */
const HEARTBEAT_EVERY_MS = 1_000;

/** ClickHouse's UNKNOWN_TABLE and TABLE_IS_DROPPED. */
const TABLE_GONE = new Set(['60', '218']);

/**
 * One attempt at a day, unless its record answers: an earlier attempt of this run completed it, or nothing has changed since
 * and nobody forces it. Safe whatever other attempts do, dead, slow or woken late:
 * - each has a staging table of its own, so that none writes into another's;
 * - before its REPLACE PARTITION it ends the others' queries and drops the others' tables, so that whoever was overtaken
 *   has nothing to replace from: its older snapshot of silver can never cover a newer one;
 * - what it replaces from is compared with what its SELECT reported, and what gold holds then with what it replaced from.
 * @throws PipelineError `GOLD_OVERTAKEN`, retryable, when another attempt dropped this one's table.
 */
export async function computeGold(deps: ClickHouseDeps, input: ComputeGoldInput): Promise<GoldDayResult> {
  const { info, cancellationSignal } = Context.current();
  const attempt: GoldAttempt = {
    day: input.day,
    runId: info.workflowExecution?.runId ?? '',
    attempt: (input.attemptsBefore ?? 0) + info.attempt,
  };
  const steps = new AttemptSteps(deps, attempt, info.attempt, cancellationSignal);
  const heartbeat = setInterval(() => Context.current().heartbeat(steps.current), HEARTBEAT_EVERY_MS);
  try {
    return await runAttempt(steps, deps, attempt, input);
  } catch (cause) {
    const overtaken = TABLE_GONE.has(clickHouseCode(cause)) && (await steps.lostStaging());
    await steps.giveUp();
    cancellationSignal.throwIfAborted();
    if (!overtaken) throw serviceFault('clickhouse', steps.current, cause);
    throw new PipelineError('GOLD_OVERTAKEN', `${steps.current}: another attempt at the day took over`, {
      retryable: true,
      at: { day: input.day },
      cause,
    });
  } finally {
    clearInterval(heartbeat);
  }
}

async function runAttempt(
  steps: AttemptSteps,
  deps: ClickHouseDeps,
  attempt: GoldAttempt,
  input: ComputeGoldInput,
): Promise<GoldDayResult> {
  // First of all, even where nothing is left to do: whoever died here may have left a table.
  const startedAtMs = await steps.fenceOthers();
  const { isOpen, last } = await steps.readRecord();
  // Before the record answers, too: who was terminated stays written down as running otherwise.
  if (isOpen) await steps.abandonOthers(startedAtMs);
  const known = await answered(deps, attempt, input, last);
  if (known !== undefined) return known;
  const running = beginRun(attempt, input, deps.codeVersion, startedAtMs);
  await insertRun(deps, running);
  await steps.createStaging();
  const reported = await steps.fill();
  const found = await steps.checkStaging(reported.rowsWritten);
  if (found.unknownUsers !== '0') await steps.recordUnknown();
  await steps.fenceOthers();
  await steps.replace();
  const finishedAtMs = await steps.checkGold(found);
  const run: GoldRun = {
    ...running,
    rowsWritten: found.rowsWritten,
    events: found.events,
    unknownUsers: found.unknownUsers,
    unknownEvents: found.unknownEvents,
    rowsRead: reported.rowsRead,
    status: 'complete',
    finishedAtMs,
    durationMs: Math.max(0, finishedAtMs - running.startedAtMs),
  };
  await insertRun(deps, run);
  await steps.dropStaging();
  return { ...run, reused: false };
}

/** What the record says already: what an earlier attempt at this computation completed, or what stands. */
async function answered(
  deps: ClickHouseDeps,
  { runId }: GoldAttempt,
  { forced, attemptsBefore = 0 }: ComputeGoldInput,
  last: GoldRun | undefined,
): Promise<GoldDayResult | undefined> {
  const isOwn = last?.runId === runId;
  if (isOwn && last.attempt > attemptsBefore) return { ...last, reused: false };
  if (last === undefined || forced || (await staleSince(deps, last)).length > 0) return undefined;
  return { ...last, reused: !isOwn };
}

function beginRun(
  attempt: GoldAttempt,
  input: ComputeGoldInput,
  codeVersion: string,
  startedAtMs: number,
): GoldRun {
  const { requestedBy, forced, isFinal, positions } = input;
  return {
    ...attempt,
    status: 'running',
    requestedBy,
    codeVersion,
    forced,
    isFinal,
    rowsRead: '0',
    rowsWritten: '0',
    events: '0',
    unknownUsers: '0',
    unknownEvents: '0',
    positions,
    startedAtMs,
    finishedAtMs: null,
    durationMs: 0,
    errorCode: '',
  };
}

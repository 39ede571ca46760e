import {
  WorkflowNotFoundError,
  type WorkflowExecutionDescription,
  type WorkflowHandle,
} from '@temporalio/client';
import { connectKafka } from '../clients/kafka.js';
import { draftIn, type ReplayDeps } from '../activities/replay.js';
import { serviceFault } from '../clients/fault.js';
import { ReplaySources } from '../activities/replay-sources.js';
import { PipelineError } from '../core/errors.js';
import { replayJobId, replayWorkflowId } from '../core/ids.js';
import type {
  PlannedReplay,
  ReplayDryRun,
  ReplayInput,
  ReplayLacks,
  ReplayPlan,
  ReplayRate,
  ReplayResult,
  ReplaySliceReport,
  ReplayStatus,
  ReplayVerification,
} from '../messages.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { JobStore } from '../stream/job-store.js';
import { dryRun } from '../stream/replay/dry-run.js';
import { findLacks } from '../stream/replay/lacks.js';
import { verifyReplay } from '../stream/replay/verify.js';
import { pauseReplay, replayProgress, resumeReplay, setReplayRate } from '../workflows/replay-definitions.js';
import type { replayTopicRange } from '../workflows/replay-topic-range.js';
import type { ClientConnections } from './connections.js';
import { fromTemporal } from '../clients/workflow-fault.js';
import { liveReports, pendingFault } from './lap-reports.js';
import { replayStatus } from './replay-status.js';
import { startJob } from './start-job.js';

type KafkaDeps = Omit<ReplayDeps, 'codeVersion'>;

const CLIENT_ID = 'tidemark-client';

export interface ReplayEvidence extends PlannedReplay {
  /** When this was put together. */
  readonly writtenAtMs: number;
}

/** `tidemark.replay`: ranges of topics copied exactly once. */
export class ReplayClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /** What a replay would copy: reads A, writes nothing, needs no worker. @throws PipelineError as `start` does. */
  plan(input: ReplayInput): Promise<ReplayDryRun> {
    return this.#withKafka(`planning replay ${input.job}`, async (deps) => {
      // The target is not made: a dry run of a missing one says so.
      const draft = await draftIn(deps, { ...input, createTarget: false });
      const source = await deps.sources.connection(input.sourceCluster);
      return dryRun({ kafka: deps.kafka, source }, draft);
    });
  }

  /** What B lacks of A's selection; `--fill` copies exactly the gaps. Writes nothing, needs no worker. */
  gaps(input: Omit<ReplayInput, 'job' | 'fill'>): Promise<ReplayLacks> {
    return this.#withKafka(`comparing ${input.source} with ${input.target}`, async (deps) => {
      const asked = { ...input, job: 'gaps', fill: true, createTarget: false };
      const source = await deps.sources.connection(input.sourceCluster);
      return findLacks({ kafka: deps.kafka, source }, await draftIn(deps, asked));
    });
  }

  /**
   * Starts a replay, or finds the one of that name: running with the same options, or finished (`wait` then gives its recorded
   * result). @throws PipelineError `JOB_EXISTS` when it is running with others, `NO_WORKER`, `TEMPORAL_UNREACHABLE`. What is wrong with the input is thrown by `wait`.
   */
  async start(input: ReplayInput): Promise<void> {
    const start = {
      what: `replay ${input.job}`,
      workflow: 'replayTopicRange',
      workflowId: replayWorkflowId(input.job),
      summary: `${input.source} to ${input.target}`,
    };
    await startJob(this.#connections, start, input);
  }

  /** @throws PipelineError with the code of what ended the replay: `BAD_REPLAY`, `JOB_EXISTS`, `TARGET_LIMITS`, `GAP` ... */
  async wait(job: string): Promise<ReplayResult> {
    const handle = await this.#handle(job);
    try {
      return await handle.result();
    } catch (error) {
      throw fromTemporal(`waiting for replay ${job}`, error);
    }
  }

  async pause(job: string): Promise<void> {
    await this.#tell(job, 'pausing', (handle) => handle.signal(pauseReplay));
  }

  async resume(job: string): Promise<void> {
    await this.#tell(job, 'resuming', (handle) => handle.signal(resumeReplay));
  }

  /** Replaces the limits of a running replay; `{}` lifts them. */
  async rate(job: string, rate: ReplayRate): Promise<void> {
    await this.#tell(job, 'setting the rate of', (handle) => handle.signal(setReplayRate, rate));
  }

  /** Ends it at its next commit. Started again, it goes on from there. */
  async cancel(job: string): Promise<void> {
    await this.#tell(job, 'cancelling', async (handle) => {
      await handle.cancel();
    });
  }

  /** @throws PipelineError `NO_REPLAY`. */
  async status(job: string): Promise<ReplayStatus> {
    const handle = await this.#handle(job);
    const [described, recorded] = await Promise.all([
      handle.describe().catch((error: unknown) => {
        if (error instanceof WorkflowNotFoundError) return undefined;
        throw fromTemporal(`looking at replay ${job}`, error);
      }),
      this.#recorded(job),
    ]);
    if (described === undefined && recorded === undefined) throw noReplay(job);
    const isRunning = described?.status.name === 'RUNNING';
    const progress = isRunning ? await handle.query(replayProgress).catch(() => undefined) : undefined;
    return replayStatus({
      job,
      planned: recorded ?? null,
      progress: progress ?? null,
      workflow: described?.status.name ?? null,
      live: described ? liveReports<ReplaySliceReport>(described, 'runReplayLap') : [],
      fault: described ? await faultOf(described, () => handle.result()) : null,
    });
  }

  /** Compares B with A once more, in this process. @throws PipelineError `NO_REPLAY`. */
  verify(job: string): Promise<ReplayVerification> {
    return this.#withKafka(`verifying replay ${job}`, async ({ kafka, sources }) => {
      const recorded = await storeOf(kafka).load(replayJobId(job));
      if (recorded === undefined) throw noReplay(job);
      const source = await sources.connection(recorded.plan.spec.sourceCluster);
      return verifyReplay({ kafka, source, now: Date.now }, recorded.plan);
    });
  }

  /** Plan and result, to be kept. @throws PipelineError `NO_REPLAY`, `NOT_FINISHED`. */
  async evidence(job: string): Promise<ReplayEvidence> {
    const recorded = await this.#recorded(job);
    if (recorded === undefined) throw noReplay(job);
    if (recorded.result === null) {
      throw new PipelineError('NOT_FINISHED', `writing the evidence of replay ${job}: it has not finished`);
    }
    return { ...recorded, writtenAtMs: Date.now() };
  }

  #recorded(job: string): Promise<PlannedReplay | undefined> {
    return this.#withKafka(`reading the record of replay ${job}`, ({ kafka }) =>
      storeOf(kafka).load(replayJobId(job)),
    );
  }

  async #handle(job: string): Promise<WorkflowHandle<typeof replayTopicRange>> {
    const client = await this.#connections.temporal();
    return client.workflow.getHandle<typeof replayTopicRange>(replayWorkflowId(job));
  }

  async #tell(
    job: string,
    doing: string,
    tell: (handle: WorkflowHandle<typeof replayTopicRange>) => Promise<void>,
  ): Promise<void> {
    const handle = await this.#handle(job);
    try {
      await tell(handle);
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) {
        throw new PipelineError('NO_REPLAY', `${doing} replay ${job}: none of this name is running`);
      }
      throw fromTemporal(`${doing} replay ${job}`, error);
    }
  }

  async #withKafka<T>(doing: string, use: (deps: KafkaDeps) => Promise<T>): Promise<T> {
    const { config } = this.#connections;
    const admin = connectKafka(config, CLIENT_ID).admin();
    let kafka: KafkaConnection | undefined;
    let sources: ReplaySources | undefined;
    try {
      [kafka] = await Promise.all([
        KafkaConnection.open(config.kafka, { clientId: CLIENT_ID }),
        admin.connect(),
      ]);
      sources = new ReplaySources(kafka, config, CLIENT_ID);
      return await use({ kafka, admin, sources, now: Date.now });
    } catch (cause) {
      throw serviceFault('kafka', doing, cause);
    } finally {
      await sources?.close();
      await Promise.all([kafka?.close(), admin.disconnect()]);
    }
  }
}

const storeOf = (kafka: KafkaConnection) => new JobStore<ReplayPlan, ReplayResult>(kafka, Date.now);

const noReplay = (job: string): PipelineError =>
  new PipelineError('NO_REPLAY', `looking for replay ${job}: there is none of this name`);

/** Why a step is being tried again, or what ended the workflow. */
async function faultOf(
  described: WorkflowExecutionDescription,
  result: () => Promise<unknown>,
): Promise<string | null> {
  const { name } = described.status;
  if (name === 'RUNNING') return pendingFault(described);
  if (name === 'COMPLETED') return null;
  try {
    await result();
    return null;
  } catch (error) {
    const fault = fromTemporal('the replay', error);
    return `${fault.code}: ${fault.message}`;
  }
}

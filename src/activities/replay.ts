import { PipelineError } from '../core/errors.js';
import { replayJobId } from '../core/ids.js';
import type { PlannedReplay, RecordReplayInput, ReplayInput, ReplayPlan, ReplayResult } from '../messages.js';
import { ensureCheckpointTopic } from '../stream/checkpoint-topic.js';
import { digestOf, JobStore } from '../stream/job-store.js';
import { draftPlan, specOf, type PlanDeps } from '../stream/replay/plan.js';
import type { TopicAdmin } from '../stream/topic-limits.js';
import type { ReplaySources } from './replay-sources.js';

export interface ReplayDeps extends Pick<PlanDeps, 'kafka' | 'admin' | 'now'> {
  readonly sources: ReplaySources;
  readonly codeVersion: string;
}

export type ReplayActivities = ReturnType<typeof createReplayActivities>;

/** The short steps of a replay: what it will do, and what it has done. */
export function createReplayActivities(deps: ReplayDeps) {
  const store = new JobStore<ReplayPlan, ReplayResult>(deps.kafka, deps.now);
  return {
    /** The job's plan and result as recorded; a new job is planned, its ends frozen, and recorded. */
    async planReplay(input: ReplayInput): Promise<PlannedReplay> {
      await ensureCheckpointTopic(deps.admin, deps.kafka);
      return store.plan(replayJobId(input.job), digestOf(specOf(input)), () => draftIn(deps, input));
    },

    async recordReplay({ plan, result }: RecordReplayInput): Promise<ReplayResult> {
      const recorded = { ...result, codeVersion: deps.codeVersion, reused: false };
      const known = await store.load(replayJobId(plan.job));
      if (known?.plan.digest !== plan.digest) {
        throw new PipelineError('BAD_PLAN', `recording replay ${plan.job}: its plan is another one`);
      }
      await store.recordResult(replayJobId(plan.job), recorded);
      return recorded;
    },
  };
}

/** Drafts a plan of an A that may lie on another cluster. @throws PipelineError as `draftPlan`, and `UNKNOWN_CLUSTER`. */
export async function draftIn(
  deps: Omit<ReplayDeps, 'codeVersion'>,
  input: ReplayInput,
): Promise<ReplayPlan> {
  const { kafka, admin, now, sources } = deps;
  const { sourceCluster } = input;
  const source = await sources.connection(sourceCluster);
  const draft = (sourceAdmin: TopicAdmin) => draftPlan({ kafka, admin, source, sourceAdmin, now }, input);
  return sourceCluster === undefined ? draft(admin) : sources.withAdmin(sourceCluster, draft);
}

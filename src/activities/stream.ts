import { Context } from '@temporalio/activity';
import type { ReplayLapInput, ReplayPlan, ReplaySliceReport, ReplayVerification } from '../messages.js';
import type { KafkaConnection } from '../stream/kafka-connection.js';
import { runReplayLap } from '../stream/replay/slice.js';
import type { ReplaySources } from './replay-sources.js';
import { verifyReplay } from '../stream/replay/verify.js';

export interface StreamDeps {
  readonly kafka: KafkaConnection;
  readonly sources: ReplaySources;
  readonly now: () => number;
}

export type StreamActivities = ReturnType<typeof createStreamActivities>;

/** Between two heartbeats, ms: a few fit into the heartbeat timeout, and a pause is heard soon. */
const HEARTBEAT_EVERY_MS = 500;

/** The long steps of stream jobs: each keeps one worker process busy. */
export function createStreamActivities({ kafka, sources, now }: StreamDeps) {
  return {
    /** Ends early, without an error, when it is cancelled: all that is done is in the checkpoint. */
    runReplayLap: (input: ReplayLapInput): Promise<ReplaySliceReport> =>
      withHeartbeat<ReplaySliceReport, ReplaySliceReport>(async (report, signal) => {
        const source = await sources.connection(input.plan.spec.sourceCluster);
        return runReplayLap({ kafka, source, now, report, signal }, input);
      }),

    verifyReplay: (plan: ReplayPlan): Promise<ReplayVerification> =>
      withHeartbeat<never, ReplayVerification>(async (_report, signal) => {
        const source = await sources.connection(plan.spec.sourceCluster);
        return verifyReplay({ kafka, source, now, signal }, plan);
      }),
  };
}

/**
 * Heartbeats what was reported last, also while nothing happens: a broker that restarts is waited for by the engine itself.
 */
async function withHeartbeat<Report, Result>(
  work: (report: (progress: Report) => void, signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  const context = Context.current();
  let last: Report | undefined;
  const beat = setInterval(() => {
    context.heartbeat(last);
  }, HEARTBEAT_EVERY_MS);
  try {
    return await work((report) => (last = report), context.cancellationSignal);
  } finally {
    clearInterval(beat);
  }
}

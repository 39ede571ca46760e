import { serviceFault } from '../../clients/fault.js';
import type { Finding } from '../../core/verification.js';
import type { QueueProbe } from '../../messages.js';
import { failed, inconclusive, passed, type Check, type CheckDeps } from './check.js';

/** Workflows whose slices keep a stream worker busy, one at a time and for minutes. */
const STREAM_WORKFLOWS = ['replayTopicRange', 'countUniqueUsers', 'cleanLogins'];
/** A lap heartbeats several times a second: one that did within this is at work, ms. */
const AT_WORK_MS = 30_000;
/** Jobs looked at: more do not say more. */
const MOST_JOBS = 50;

/** A worker answers on each task queue, or is seen at work; all that answered run one version. */
export const workers: Check = {
  name: 'workers',
  hop: 'workers',
  stage: 'hops',
  probes: true,
  run: async (deps, { probes }) => {
    const silent = probes.filter(({ answeredBy }) => answeredBy === null).map(({ taskQueue }) => taskQueue);
    return judgeWorkers(probes, silent.length === 0 ? [] : await queuesAtWork(deps, silent));
  },
};

/** `atWork`: task queues of which an activity has sent a heartbeat just now. */
export function judgeWorkers(probes: readonly QueueProbe[], atWork: readonly string[]): Finding {
  const answers = probes.flatMap(({ answeredBy }) => answeredBy ?? []);
  const versions = [...new Set(answers.map(({ codeVersion }) => codeVersion))];
  const evidence = {
    queues: probes.map(({ taskQueue, answeredBy }) => ({
      taskQueue,
      answeredBy: answeredBy && { ...answeredBy },
      atWork: atWork.includes(taskQueue),
    })),
  };
  if (probes.length === 0) return inconclusive('no task queue was asked', evidence, 'verify again');
  const silent = probes.filter(
    ({ taskQueue, answeredBy }) => answeredBy === null && !atWork.includes(taskQueue),
  );
  if (silent.length > 0) {
    const queues = silent.map(({ taskQueue }) => taskQueue).join(', ');
    return failed(
      `no worker answers on ${queues}`,
      evidence,
      'start its workers (tidemark status), or look into their logs',
    );
  }
  if (versions.length > 1) {
    return failed(
      `workers run different versions: ${versions.join(', ')}`,
      evidence,
      'finish the deployment: restart the older ones',
    );
  }
  return passed(`workers of ${probes.map(({ taskQueue }) => taskQueue).join(', ')} answer`, evidence);
}

/** A worker that takes one slice at a time does not poll meanwhile. */
async function queuesAtWork(
  { temporal }: Pick<CheckDeps, 'temporal'>,
  queues: readonly string[],
): Promise<string[]> {
  try {
    const found = new Set<string>();
    const types = STREAM_WORKFLOWS.map((type) => `'${type}'`).join(', ');
    const running = temporal.workflow.list({
      query: `ExecutionStatus = 'Running' AND WorkflowType IN (${types})`,
      pageSize: MOST_JOBS,
    });
    let jobs = 0;
    for await (const { workflowId, runId } of running) {
      const { raw } = await temporal.workflow.getHandle(workflowId, runId).describe();
      for (const { lastHeartbeatTime, activityOptions } of raw.pendingActivities ?? []) {
        const queue = activityOptions?.taskQueue?.name;
        const ageMs = Date.now() - Number(lastHeartbeatTime?.seconds ?? 0) * 1_000;
        if (queue && queues.includes(queue) && ageMs < AT_WORK_MS) found.add(queue);
      }
      if ((jobs += 1) >= MOST_JOBS) break;
    }
    return [...found];
  } catch (cause) {
    throw serviceFault('temporal', 'looking for slices at work', cause);
  }
}

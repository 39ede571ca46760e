import { cleanJobId } from '../../core/ids.js';
import { loginRemedy } from '../../core/logins/remedy.js';
import { deadLetterTopic, LOGINS_TOPIC } from '../../core/names.js';
import type { Remedy } from '../../core/redrive.js';
import type { CleanPlan, CleanResult, RedriveInput } from '../../messages.js';
import { CHECKPOINT_TOPIC } from '../checkpoint-store.js';
import { JobStore } from '../job-store.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { findTopic } from '../replay/target.js';

/** The job whose letters are meant where nobody says. */
const DEFAULT_JOB = 'logins';

/** What is asked of dead letters, as a person asks: the topic and the target are the job's where they are not named. */
export type AskedLetters = Partial<RedriveInput>;

export interface DeadLetterJob {
  readonly input: RedriveInput;
  /** Today's rules, and the filter with which the job was started. */
  readonly remedy: Remedy;
}

/** Finds the job behind a topic of dead letters; a topic of nobody's is taken as it is, by its name. */
export async function deadLetterJob(
  kafka: KafkaConnection,
  now: () => number,
  asked: AskedLetters,
): Promise<DeadLetterJob> {
  const job = asked.job ?? DEFAULT_JOB;
  const plan = await planOf(kafka, now, job);
  if (plan === undefined || (asked.topic !== undefined && asked.topic !== plan.dlq.topic)) {
    const topic = asked.topic ?? deadLetterTopic(LOGINS_TOPIC);
    return { input: { ...asked, topic }, remedy: loginRemedy() };
  }
  const { dlq, clean, spec } = plan;
  return {
    input: { ...asked, job, topic: dlq.topic, target: asked.target ?? clean.topic },
    remedy: loginRemedy(undefined, spec.filter),
  };
}

async function planOf(
  kafka: KafkaConnection,
  now: () => number,
  job: string,
): Promise<CleanPlan | undefined> {
  if ((await findTopic(kafka, CHECKPOINT_TOPIC)) === undefined) return undefined;
  return (await new JobStore<CleanPlan, CleanResult>(kafka, now).load(cleanJobId(job)))?.plan;
}

import { createHash } from 'node:crypto';
import { checkpointPartition } from '../core/checkpoint-partition.js';
import { PipelineError } from '../core/errors.js';
import { CHECKPOINT_TOPIC, restore, stateRecord, type CheckpointPlace } from './checkpoint-store.js';
import type { KafkaConnection } from './kafka-connection.js';
import { TransactionalWriter, type Output } from './transactional-writer.js';

/** A plan as its store sees it: made once, never changed. */
export interface StoredPlan {
  readonly version: 1;
  /** Of what the job is about: the same name with another digest is refused. */
  readonly digest: string;
}

export interface StoredJob<Plan, Result> {
  readonly plan: Plan;
  readonly result: Result | null;
}

/** Parts of a job take the partitions from the job's own on: 0, 1 ... */
const JOB_PART = -1;

/**
 * Plan and result of a job, kept among the checkpoints of the cluster it writes to. Whoever writes takes the job's
 * transactional id over first, so that of two who plan at once one finds the other's plan or is fenced.
 */
export class JobStore<Plan extends StoredPlan, Result extends object> {
  readonly #kafka: KafkaConnection;
  readonly #now: () => number;

  constructor(kafka: KafkaConnection, now: () => number) {
    this.#kafka = kafka;
    this.#now = now;
  }

  /** Undefined when the job was never planned. @throws PipelineError `BAD_PLAN`. */
  async load(jobId: string): Promise<StoredJob<Plan, Result> | undefined> {
    const { state } = await restore(this.#kafka, await this.#place(jobId));
    const read = <T>(key: string): T | undefined => {
      const found = state.find((entry) => entry.key === key)?.value;
      return found ? (JSON.parse(found.toString('utf8')) as T) : undefined;
    };
    const plan = read<Plan>('plan');
    if (plan === undefined) return undefined;
    if ((plan.version as number) !== 1) {
      throw new PipelineError('BAD_PLAN', `reading the plan of ${jobId}: not one this version writes`);
    }
    return { plan, result: read<Result>('result') ?? null };
  }

  /**
   * The recorded plan if the job has one, else the one `draft` makes, recorded; `tell` writes what others are to know of it,
   * in the same transaction.
   * @throws PipelineError `JOB_EXISTS` when the recorded one has another digest.
   */
  async plan(
    jobId: string,
    digest: string,
    draft: () => Promise<Plan>,
    tell: (plan: Plan, output: Output) => void = () => undefined,
  ): Promise<StoredJob<Plan, Result>> {
    const writer = await this.#takeOver(jobId);
    const recorded = await this.load(jobId);
    if (recorded !== undefined) {
      if (recorded.plan.digest === digest) return recorded;
      const message = `planning ${jobId}: a job of this name does something else; choose another name`;
      throw new PipelineError('JOB_EXISTS', message);
    }
    const plan = await draft();
    tell(plan, writer);
    await this.#put(writer, jobId, 'plan', plan);
    return { plan, result: null };
  }

  async recordResult(jobId: string, result: Result): Promise<void> {
    await this.#put(await this.#takeOver(jobId), jobId, 'result', result);
  }

  #takeOver(jobId: string): Promise<TransactionalWriter> {
    return TransactionalWriter.open(this.#kafka, { transactionalId: jobId });
  }

  async #put(writer: TransactionalWriter, jobId: string, key: string, value: object): Promise<void> {
    const place = await this.#place(jobId);
    const state = { key, value: Buffer.from(JSON.stringify(value)) };
    writer.write(place.topic, place.partition, stateRecord(place, state, this.#now()));
    await writer.commit();
  }

  async #place(jobId: string): Promise<CheckpointPlace> {
    const { partitions } = await this.#kafka.whileMoving((fresh) =>
      this.#kafka.topic(CHECKPOINT_TOPIC, fresh),
    );
    const partition = checkpointPartition(jobId, JOB_PART + partitions.length, partitions.length);
    return { topic: CHECKPOINT_TOPIC, partition, slice: jobId };
  }
}

/** SHA-256 of plain JSON, members in alphabetical order, absent and undefined ones alike. */
export const digestOf = (spec: object): string =>
  createHash('sha256')
    .update(JSON.stringify(sorted(spec)))
    .digest('hex');

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted);
  if (typeof value !== 'object' || value === null) return value;
  const entries = Object.entries(value).filter(([, member]) => member !== undefined);
  return Object.fromEntries(
    entries.sort(([a], [b]) => (a < b ? -1 : 1)).map(([name, member]) => [name, sorted(member)]),
  );
}

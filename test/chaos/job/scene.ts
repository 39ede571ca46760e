import type { Admin } from 'kafkajs';
import { withKafkaAdmin } from '../../../src/clients/kafka.js';
import type { Config } from '../../../src/config.js';
import type { JobPlan, JobReport } from '../../../src/messages.js';
import { partialEnds, type JobLapDeps } from '../../../src/stream/job-lap.js';
import type { JobPlanDeps } from '../../../src/stream/job-topics.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { makeTopic } from '../../../src/stream/make-topic.js';
import type { RecordCursor } from '../../../src/stream/record-batch.js';
import { eachOfTopic } from '../../support/topic-records.js';
import type { Fault } from '../report.js';
import { LiveRun } from './live.js';
import type { OrderedJob } from './order.js';
import { runUnderKills } from './run.js';

export const PARTITIONS = 4;

/** A topic with its exact answer, and jobs that read it in slices and a merge stage. */
export class JobScene<Answer> {
  readonly config: Config;
  readonly topic: string;
  readonly answers: Answer[] = [];
  #connection: KafkaConnection | undefined;

  constructor(config: Config, topic: string) {
    this.config = config;
    this.topic = topic;
  }

  get connection(): KafkaConnection {
    if (this.#connection === undefined) throw new Error('using a scene before it is filled');
    return this.#connection;
  }

  /** Of laps in this process that nothing ends. */
  get lapDeps(): JobLapDeps {
    return {
      kafka: this.connection,
      now: Date.now,
      signal: new AbortController().signal,
      report: () => undefined,
    };
  }

  /** Every record of a topic, read_committed. */
  each(topic: string, visit: (cursor: RecordCursor, partition: number) => void): Promise<void> {
    return eachOfTopic(this.connection, topic, visit);
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  /** The scene's topic, empty unless it is there. */
  protected async makeTopic(): Promise<void> {
    this.#connection ??= await KafkaConnection.open(this.config.kafka);
    await this.#withAdmin((admin) => makeTopic(admin, this.connection, this.topic, PARTITIONS));
  }

  /** Another topic, of one partition, with these settings. */
  async make(topic: string, settings: Readonly<Record<string, string>>): Promise<void> {
    await this.#withAdmin((admin) => makeTopic(admin, this.connection, topic, 1, settings));
  }

  protected planning<Plan>(
    draft: (deps: JobPlanDeps & { readonly admin: Admin }) => Promise<Plan>,
  ): Promise<Plan> {
    return this.#withAdmin((admin) => draft({ kafka: this.connection, admin, now: Date.now }));
  }

  /** Every part in this process, undisturbed, one after the other. @returns the end of the merge stage. */
  protected async calmly<Plan extends JobPlan>(
    plan: Plan,
    sliceLap: (deps: JobLapDeps, plan: Plan, index: number) => Promise<JobReport>,
    mergeLap: (deps: JobLapDeps, plan: Plan, ends: readonly string[]) => Promise<JobReport>,
  ): Promise<JobReport> {
    for (const { index } of plan.slices) await sliceLap(this.lapDeps, plan, index);
    return mergeLap(this.lapDeps, plan, await partialEnds(this.connection, plan));
  }

  /** Every part in a process of its own, killed so many times. */
  protected underKills(job: OrderedJob, kills: number, seed: number): Promise<Fault[]> {
    const { config, connection } = this;
    return runUnderKills({ kafka: config.kafka, connection, job }, kills, seed);
  }

  /** A live job, every part in a process of its own. */
  protected live(job: OrderedJob, seed: number): LiveRun {
    return new LiveRun({ kafka: this.config.kafka, job }, seed);
  }

  #withAdmin<T>(use: (admin: Admin) => Promise<T>): Promise<T> {
    return withKafkaAdmin(this.config, 'tidemark', use);
  }
}

import type { Kafka } from 'kafkajs';
import { connectKafka } from '../../../src/clients/kafka.js';
import type { Config } from '../../../src/config.js';
import { DEAD_LETTER_HEADERS } from '../../../src/core/dead-letter.js';
import type {
  LoginAlert,
  LoginIdentity,
  LoginInsight,
  LoginWindow,
} from '../../../src/core/logins/insights.js';
import { decodeProvenance, PROVENANCE_HEADER } from '../../../src/core/provenance.js';
import type { LoginAnswer } from '../../../src/generate/logins-answer.js';
import { loginOptions, type LoginOptions } from '../../../src/generate/logins-options.js';
import { writeLogins } from '../../../src/generate/logins-run.js';
import { TopicWriter } from '../../../src/generate/writers/topic.js';
import type { CleanInput, CleanPlan } from '../../../src/messages.js';
import { ensureCheckpointTopic } from '../../../src/stream/checkpoint-topic.js';
import { draftCleanPlan } from '../../../src/stream/clean/plan.js';
import { cleanMergeLap, cleanSliceLap } from '../../../src/stream/clean/lap.js';
import { partialEnds } from '../../../src/stream/job-lap.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { freeze } from '../../../src/stream/log-positions.js';
import { LogReader } from '../../../src/stream/log-reader.js';
import { makeTopic } from '../../../src/stream/make-topic.js';
import type { RecordCursor } from '../../../src/stream/record-batch.js';
import { runUnderKills } from '../job/run.js';
import type { Fault } from '../report.js';

export const PARTITIONS = 4;

/** What a cleaning has written, read back by its consumers' rules (read_committed). */
export interface CleanOutcome {
  /** `partition/offset` of the source message of every clean record, in the order of the clean topic's partitions. */
  readonly clean: readonly string[];
  /** `partition/offset reason` of every dead letter. */
  readonly dead: readonly string[];
  /** Newest of each key. */
  readonly windows: ReadonlyMap<string, LoginWindow>;
  readonly alerts: ReadonlyMap<string, LoginAlert>;
  readonly identities: ReadonlyMap<number, LoginIdentity>;
}

/** A topic of logins with its exact answer, and cleanings of it. */
export class CleanScene {
  readonly config: Config;
  readonly topic: string;
  readonly answers: LoginAnswer[] = [];
  readonly #kafka: Kafka;
  #connection: KafkaConnection | undefined;

  constructor(config: Config, topic: string) {
    this.config = config;
    this.topic = topic;
    this.#kafka = connectKafka(config);
  }

  get connection(): KafkaConnection {
    if (this.#connection === undefined) throw new Error('using a scene before it is filled');
    return this.#connection;
  }

  async fill(given: Partial<LoginOptions>): Promise<void> {
    const writer = await this.openTopic();
    await writeLogins(
      loginOptions({ ...given, partitions: PARTITIONS }),
      {
        write: ({ partition, key, value, atMs }) =>
          writer.add(partition, { timestampMs: atMs, key, value }) ? writer.send(partition) : undefined,
        flush: () => writer.flush(),
      },
      { signal: new AbortController().signal, onAnswer: (lines) => void this.answers.push(...lines) },
    );
  }

  /** Makes the topic, empty, for who fills it. */
  async openTopic(): Promise<TopicWriter> {
    this.#connection ??= await KafkaConnection.open(this.config.kafka);
    await this.withAdmin((admin) => makeTopic(admin, this.connection, this.topic, PARTITIONS));
    return TopicWriter.open(this.connection, this.topic);
  }

  /** Plans a bounded cleaning of the topic, into topics of its own. */
  async plan(input: Partial<CleanInput> & { readonly job: string }): Promise<CleanPlan> {
    const { job } = input;
    return this.withAdmin(async (admin) => {
      await ensureCheckpointTopic(admin);
      const topics = {
        source: this.topic,
        clean: `${job}.clean`,
        dlq: `${job}.dlq`,
        insights: `${job}.insights`,
      };
      const deps = { kafka: this.connection, admin, now: Date.now };
      return draftCleanPlan(deps, { ...topics, bounded: true, ...input });
    });
  }

  /** Runs a bounded cleaning in this process, undisturbed, one part after the other. */
  async cleanCalmly(plan: CleanPlan): Promise<Record<string, number>> {
    const deps = {
      kafka: this.connection,
      now: Date.now,
      signal: new AbortController().signal,
      report: () => undefined,
    };
    for (const { index } of plan.slices) await cleanSliceLap(deps, plan, index);
    const { counts } = await cleanMergeLap(deps, plan, await partialEnds(this.connection, plan));
    return counts;
  }

  /** The same, killed so many times. */
  cleanUnderKills(plan: CleanPlan, kills: number, seed: number): Promise<Fault[]> {
    const { config, connection } = this;
    return runUnderKills({ kafka: config.kafka, connection, job: { kind: 'clean', plan } }, kills, seed);
  }

  async outcome(plan: CleanPlan): Promise<CleanOutcome> {
    const clean: string[] = [];
    await this.each(plan.clean.topic, (cursor) => {
      const { partition, offset } = decodeProvenance(cursor.header(PROVENANCE_HEADER)!)!;
      clean.push(`${partition}/${offset}`);
    });
    const dead: string[] = [];
    await this.each(plan.dlq.topic, (cursor) => {
      const { partition, offset, reason } = DEAD_LETTER_HEADERS;
      const [where, at, why] = [partition, offset, reason].map((name) => cursor.header(name)!.toString());
      dead.push(`${where}/${at} ${why}`);
    });
    const windows = new Map<string, LoginWindow>();
    const alerts = new Map<string, LoginAlert>();
    const identities = new Map<number, LoginIdentity>();
    await this.each(plan.insights.topic, (cursor) => {
      const key = cursor.key()!.toString();
      const insight = JSON.parse(cursor.value()!.toString()) as LoginInsight;
      if (insight.kind === 'window') windows.set(key, insight);
      else if (insight.kind === 'alert') alerts.set(key, insight);
      else if (insight.kind === 'identity') identities.set(insight.partition, insight);
    });
    return { clean, dead: dead.sort(), windows, alerts, identities };
  }

  /** Every record, read_committed; waits for the marker of a commit just answered. */
  async each(topic: string, visit: (cursor: RecordCursor, partition: number) => void): Promise<void> {
    const { partitions } = await freeze(this.connection, topic);
    const ranges = partitions.map(({ partition, logStartOffset, highWatermark }) => ({
      partition,
      startOffset: logStartOffset,
      endOffset: highWatermark,
    }));
    const reader = new LogReader(this.connection, topic, ranges);
    for (let events = await reader.read(); events !== undefined; events = await reader.read()) {
      for (const event of events) {
        if (event.kind === 'gap') throw new Error(`${topic} has lost records`);
        for (const batch of event.batches()) {
          const cursor = batch.records(event.startOffset, event.endOffset);
          while (cursor.next()) visit(cursor, event.partition);
        }
      }
    }
  }

  async close(): Promise<void> {
    await this.#connection?.close();
  }

  async withAdmin<T>(use: (admin: ReturnType<Kafka['admin']>) => Promise<T>): Promise<T> {
    const admin = this.#kafka.admin();
    await admin.connect();
    try {
      return await use(admin);
    } finally {
      await admin.disconnect();
    }
  }
}

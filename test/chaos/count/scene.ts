import type { Kafka } from 'kafkajs';
import { connectKafka } from '../../../src/clients/kafka.js';
import type { Config } from '../../../src/config.js';
import { countMergeLap, countSliceLap } from '../../../src/stream/count/lap.js';
import { runUnderKills } from '../job/run.js';
import type { Fault } from '../report.js';
import { digest } from './digest.js';
import { FRAME_DEFAULTS, generateFrames, type FrameOptions } from '../../../src/generate/frames.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import { FramesTopicWriter } from '../../../src/generate/writers/frames-topic.js';
import type { UniqueUsersResult } from '../../../src/core/uniques-result.js';
import type { CountInput, CountPlan } from '../../../src/messages.js';
import { draftCountPlan } from '../../../src/stream/count/plan.js';
import { partialEnds } from '../../../src/stream/job-lap.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { JOB_HEADER, ORIGIN_HEADER, REASON_HEADER } from '../../../src/stream/processors/uniques.js';
import type { RecordCursor } from '../../../src/stream/record-batch.js';
import { freeze } from '../../../src/stream/log-positions.js';
import { makeTopic } from '../../../src/stream/make-topic.js';
import { LogReader } from '../../../src/stream/log-reader.js';
import { ensureCheckpointTopic } from '../../../src/stream/checkpoint-topic.js';

export const PARTITIONS = 4;

/** What two right runs have in common: of every window the newest result without its revision and moment, and the sketch's bytes. */
export interface CountOutcome {
  readonly results: Map<string, string>;
  readonly sketches: Map<string, string>;
  readonly newest: Map<string, UniqueUsersResult>;
  readonly quarantined: readonly string[];
}

/** A topic of frames with its exact answer, and counts of it. */
export class CountScene {
  readonly config: Config;
  readonly topic: string;
  readonly answers: ExactCount[] = [];
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

  async fill(options: Partial<FrameOptions>): Promise<void> {
    this.#connection ??= await KafkaConnection.open(this.config.kafka);
    await this.withAdmin((admin) => makeTopic(admin, this.connection, this.topic, PARTITIONS));
    const writer = await FramesTopicWriter.open(this.connection, this.topic, Date.now);
    for (const piece of generateFrames({ ...FRAME_DEFAULTS, ...options })) {
      await writer.write(piece.bytes);
      this.answers.push(...piece.answers);
    }
    await writer.finish();
  }

  /** Plans a bounded count of the topic, into a topic of its own. */
  async plan(input: Partial<CountInput> & { readonly job: string }): Promise<CountPlan> {
    return this.withAdmin(async (admin) => {
      await ensureCheckpointTopic(admin);
      const asked = { source: this.topic, target: `${input.job}.results`, bounded: true, ...input };
      return draftCountPlan({ kafka: this.connection, admin, now: Date.now }, asked);
    });
  }

  /** Runs a bounded count in this process, undisturbed, one part after the other. */
  async countCalmly(plan: CountPlan): Promise<void> {
    const deps = {
      kafka: this.connection,
      now: Date.now,
      signal: new AbortController().signal,
      report: () => undefined,
    };
    for (const { index } of plan.slices) await countSliceLap(deps, plan, index);
    await countMergeLap(deps, plan, await partialEnds(this.connection, plan));
  }

  /** The same, killed so many times. */
  countUnderKills(plan: CountPlan, kills: number, seed: number): Promise<Fault[]> {
    const { config, connection } = this;
    return runUnderKills({ kafka: config.kafka, connection, job: { kind: 'count', plan } }, kills, seed);
  }

  async outcome(plan: CountPlan): Promise<CountOutcome> {
    const results = new Map<string, string>();
    const newest = new Map<string, UniqueUsersResult>();
    for (const [key, value] of await this.#newestOf(plan.target.topic)) {
      const result = JSON.parse(value.toString()) as UniqueUsersResult;
      const { window, start, end, users, error, frames } = result;
      newest.set(key, result);
      results.set(key, JSON.stringify({ window, start, end, users, error, frames }));
    }
    const sketches = new Map<string, string>();
    for (const [key, value] of await this.#newestOf(plan.sketches.topic)) sketches.set(key, digest(value));
    return {
      results: sorted(results),
      sketches: sorted(sketches),
      newest,
      quarantined: await this.#quarantined(plan),
    };
  }

  /** `reason topic/partition/offset` of every frame that a job put in quarantine, in order. */
  async #quarantined(plan: CountPlan): Promise<string[]> {
    const found: string[] = [];
    await this.each(plan.quarantine.topic, (cursor) => {
      const header = (name: string): string => cursor.header(name)!.toString();
      if (header(JOB_HEADER) === plan.job) found.push(`${header(REASON_HEADER)} ${header(ORIGIN_HEADER)}`);
    });
    return found.sort();
  }

  async #newestOf(topic: string): Promise<Map<string, Buffer>> {
    const newest = new Map<string, Buffer>();
    await this.each(topic, (cursor) => newest.set(cursor.key()!.toString(), Buffer.from(cursor.value()!)));
    return newest;
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

const sorted = (map: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

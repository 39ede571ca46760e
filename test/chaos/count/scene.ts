import { FRAME_DEFAULTS, generateFrames, type FrameOptions } from '../../../src/generate/frames.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import { FramesTopicWriter } from '../../../src/generate/writers/frames-topic.js';
import type { UniqueUsersResult } from '../../../src/core/uniques-result.js';
import type { CountInput, CountPlan } from '../../../src/messages.js';
import { countMergeLap, countSliceLap } from '../../../src/stream/count/lap.js';
import { draftCountPlan, planCount } from '../../../src/stream/count/plan.js';
import { JOB_HEADER, ORIGIN_HEADER, REASON_HEADER } from '../../../src/stream/processors/uniques.js';
import type { LiveRun } from '../job/live.js';
import { JobScene } from '../job/scene.js';
import type { Fault } from '../report.js';
import { digest } from './digest.js';

/** What two right runs have in common: of every window the newest result without its revision and moment, and the sketch's bytes. */
export interface CountOutcome {
  readonly results: Map<string, string>;
  readonly sketches: Map<string, string>;
  readonly newest: Map<string, UniqueUsersResult>;
  readonly quarantined: readonly string[];
}

/** A topic of frames with its exact answer, and counts of it. */
export class CountScene extends JobScene<ExactCount> {
  async fill(options: Partial<FrameOptions>): Promise<void> {
    await this.trickle(options, Number.POSITIVE_INFINITY, () => Promise.resolve());
  }

  /** The same in pieces of so many frames; `next` says when the next may come. */
  async trickle(
    options: Partial<FrameOptions>,
    atOnce: number,
    next: (written: number) => Promise<unknown>,
  ): Promise<void> {
    await this.makeTopic();
    const writer = await FramesTopicWriter.open(this.connection, this.topic, Date.now);
    let written = 0;
    for (const piece of generateFrames({ ...FRAME_DEFAULTS, ...options }, atOnce)) {
      await writer.write(piece.bytes);
      this.answers.push(...piece.answers);
      if (atOnce < Number.POSITIVE_INFINITY) await writer.flush();
      await next((written += piece.frames));
    }
    await writer.flush();
  }

  /** Adds these frames, the n-th to partition n mod their number. */
  async write(frames: readonly object[]): Promise<void> {
    await this.writeText(frames.map((frame) => JSON.stringify(frame)).join('\n'));
  }

  /** Adds lines, whether they are frames or not. */
  async writeText(lines: string): Promise<void> {
    const writer = await FramesTopicWriter.open(this.connection, this.topic, Date.now);
    await writer.write(Buffer.from(`${lines}\n`));
    await writer.flush();
  }

  /** Plans a bounded count of the topic, into a topic of its own. */
  async plan(input: Partial<CountInput> & { readonly job: string }): Promise<CountPlan> {
    const asked = { source: this.topic, target: `${input.job}.results`, bounded: true, ...input };
    return this.planning((deps) => draftCountPlan(deps, asked));
  }

  /** The same, recorded and told of as a worker does it. */
  async planForGood(input: Partial<CountInput> & { readonly job: string }): Promise<CountPlan> {
    const asked = { source: this.topic, target: `${input.job}.results`, bounded: true, ...input };
    return (await this.planning((deps) => planCount(deps, asked))).plan;
  }

  /** Runs a bounded count in this process, undisturbed, one part after the other. */
  async countCalmly(plan: CountPlan): Promise<void> {
    await this.calmly(plan, countSliceLap, countMergeLap);
  }

  /** The same, killed so many times. */
  countUnderKills(plan: CountPlan, kills: number, seed: number): Promise<Fault[]> {
    return this.underKills({ kind: 'count', plan }, kills, seed);
  }

  /** Follows the topic, every part in a process of its own. */
  startLive(plan: CountPlan, seed: number): LiveRun {
    return this.live({ kind: 'count', plan }, seed);
  }

  async outcome(plan: CountPlan): Promise<CountOutcome> {
    const results = new Map<string, string>();
    const newest = new Map<string, UniqueUsersResult>();
    for (const [key, value] of await this.#newestOf(plan.target.topic, plan.job)) {
      const result = JSON.parse(value.toString()) as UniqueUsersResult;
      const { window, start, end, users, error, frames } = result;
      newest.set(key, result);
      results.set(key, JSON.stringify({ window, start, end, users, error, frames }));
    }
    const sketches = new Map<string, string>();
    for (const [key, value] of await this.#newestOf(plan.sketches.topic, plan.job))
      sketches.set(key, digest(value));
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

  /** Every result that a job has given, those of one window in the order they were given. */
  async results({ target, job }: CountPlan): Promise<UniqueUsersResult[]> {
    const results: UniqueUsersResult[] = [];
    await this.#eachOf(target.topic, job, (_key, value) =>
      results.push(JSON.parse(value.toString()) as UniqueUsersResult),
    );
    return results;
  }

  async #newestOf(topic: string, job: string): Promise<Map<string, Buffer>> {
    const newest = new Map<string, Buffer>();
    await this.#eachOf(topic, job, (key, value) => newest.set(key, Buffer.from(value)));
    return newest;
  }

  /** The records that are of this job: others may share its topics. */
  #eachOf(topic: string, job: string, visit: (key: string, value: Buffer) => void): Promise<void> {
    return this.each(topic, (cursor) => {
      if (cursor.header(JOB_HEADER)!.toString() === job) visit(cursor.key()!.toString(), cursor.value()!);
    });
  }
}

const sorted = (map: ReadonlyMap<string, string>): Map<string, string> =>
  new Map([...map].sort(([a], [b]) => (a < b ? -1 : 1)));

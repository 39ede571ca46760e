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
import { draftCleanPlan } from '../../../src/stream/clean/plan.js';
import { cleanMergeLap, cleanSliceLap } from '../../../src/stream/clean/lap.js';
import { JobScene, PARTITIONS } from '../job/scene.js';
import type { Fault } from '../report.js';

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
export class CleanScene extends JobScene<LoginAnswer> {
  async fill(given: Partial<LoginOptions>): Promise<void> {
    const writer = await this.openTopic();
    await writeLogins(
      loginOptions({ ...given, partitions: PARTITIONS }),
      {
        write: ({ partition, key, value, atMs }) => writer.add(partition, { timestampMs: atMs, key, value }),
        flush: () => writer.flush(),
      },
      { signal: new AbortController().signal, onAnswer: (lines) => void this.answers.push(...lines) },
    );
  }

  /** Makes the topic, empty, for who fills it. */
  async openTopic(): Promise<TopicWriter> {
    await this.makeTopic();
    return TopicWriter.open(this.connection, this.topic);
  }

  /** Plans a bounded cleaning of the topic, into topics of its own. */
  async plan(input: Partial<CleanInput> & { readonly job: string }): Promise<CleanPlan> {
    const { job } = input;
    const topics = {
      source: this.topic,
      clean: `${job}.clean`,
      dlq: `${job}.dlq`,
      insights: `${job}.insights`,
    };
    return this.planning((deps) => draftCleanPlan(deps, { ...topics, bounded: true, ...input }));
  }

  /** Runs a bounded cleaning in this process, undisturbed, one part after the other. */
  async cleanCalmly(plan: CleanPlan): Promise<Record<string, number>> {
    const { counts } = await this.calmly(plan, cleanSliceLap, cleanMergeLap);
    return counts;
  }

  /** The same, killed so many times. */
  cleanUnderKills(plan: CleanPlan, kills: number, seed: number): Promise<Fault[]> {
    return this.underKills({ kind: 'clean', plan }, kills, seed);
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
}

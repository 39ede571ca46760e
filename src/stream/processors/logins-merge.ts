import { insightKey } from '../../core/logins/insights.js';
import { LoginMerge, type InsightRules } from '../../core/logins/merge.js';
import { partitionOfKey } from '../../core/murmur2.js';
import { asStateRecords } from '../as-buffer.js';
import type { StateRecord } from '../checkpoint-store.js';
import type { Processor, SourceBatch, SourcePosition } from '../processor.js';
import type { Output } from '../transactional-writer.js';
import { eachTold, ResultsPace, slicesBehind } from './merge-stage.js';
import { JOB_HEADER } from './uniques.js';

export interface LoginsMergeOptions {
  readonly job: string;
  /** All source partitions that are read, by any slice. */
  readonly partitions: readonly number[];
  readonly rules: InsightRules;
  readonly insights: { readonly topic: string; readonly partitions: number };
  /** Milliseconds between results that are not final yet; 0 for none before the end. */
  readonly provisionalMs: number;
  readonly now: () => number;
}

/** Second stage of cleaning logins: reads what the slices found clean, read_committed, and alone writes insights. */
export class LoginsMergeProcessor implements Processor {
  readonly #options: LoginsMergeOptions;
  readonly #merge: LoginMerge;
  readonly #headers: readonly { readonly name: string; readonly value: Buffer }[];
  readonly #pace: ResultsPace;
  #results = 0;

  constructor(options: LoginsMergeOptions) {
    this.#options = options;
    this.#pace = new ResultsPace(options.provisionalMs);
    this.#merge = new LoginMerge(options.job, options.partitions, options.rules);
    this.#headers = [{ name: JOB_HEADER, value: Buffer.from(options.job) }];
  }

  restore(state: readonly StateRecord[], counts: Readonly<Record<string, number>>): void {
    this.#merge.restore(state);
    this.#results = counts.results ?? 0;
  }

  process(batch: SourceBatch): number {
    const slice = String(batch.partition);
    const records = eachTold(batch, (key, value) => this.#merge.apply(slice, { key, value }));
    this.#pace.heard(records);
    return records;
  }

  tick(nowMs: number, positions: ReadonlyMap<number, SourcePosition>, output: Output): boolean {
    const behind = slicesBehind(positions);
    const due = this.#pace.due(nowMs, behind.size > 0);
    return due !== undefined && this.#emit(nowMs, due === 'all', output, behind);
  }

  snapshot(): StateRecord[] {
    return asStateRecords(this.#merge.snapshot());
  }

  counts(): Record<string, number> {
    return { ...this.#merge.counts, results: this.#results };
  }

  /** @throws PipelineError `IDENTITY_BROKEN` when the slices' clean logins have not all come. */
  finish(output: Output): void {
    this.#merge.requireComplete();
    this.#emit(this.#options.now(), true, output);
  }

  #emit(nowMs: number, withChanges: boolean, output: Output, behind?: ReadonlySet<string>): boolean {
    const { insights } = this.#options;
    const due = this.#merge.results(nowMs, withChanges, behind);
    for (const insight of due) {
      const key = Buffer.from(insightKey(insight));
      output.write(insights.topic, partitionOfKey(key, insights.partitions), {
        timestampMs: nowMs,
        key,
        value: Buffer.from(JSON.stringify(insight)),
        headers: this.#headers,
      });
    }
    this.#results += due.length;
    return due.length > 0;
  }
}

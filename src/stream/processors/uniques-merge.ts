import { UniquesMerge } from '../../core/uniques-merge.js';
import { encodeSketch } from '../../core/sketch-codec.js';
import type { UniqueSketch } from '../../core/hyperloglog.js';
import { partitionOfKey } from '../../core/murmur2.js';
import { resultKey, type UniqueUsersResult } from '../../core/uniques-result.js';
import type { CountRules } from '../../core/count-rules.js';
import { asBuffer, asStateRecords } from '../as-buffer.js';
import type { StateRecord } from '../checkpoint-store.js';
import type { Processor, SourceBatch, SourcePosition } from '../processor.js';
import { eachTold, ResultsPace, slicesBehind } from './merge-stage.js';
import { JOB_HEADER, MOST_NEW_WINDOWS } from './uniques.js';
import type { Output } from '../transactional-writer.js';

interface TargetTopic {
  readonly topic: string;
  readonly partitions: number;
}

export interface UniquesMergeOptions {
  readonly job: string;
  /** All source partitions that are counted, by any slice. */
  readonly partitions: readonly number[];
  readonly rules: CountRules;
  readonly target: TargetTopic;
  /** Where the sketches behind final and revised results go. */
  readonly sketches: TargetTopic;
  /** Milliseconds between results that are not final yet; 0 for none. */
  readonly provisionalMs: number;
  readonly now: () => number;
}

/**
 * Second stage of counting unique users: reads what the slices report, read_committed, and alone writes results. The source
 * is the job's topic of partial states, one partition per slice.
 */
export class UniquesMergeProcessor implements Processor {
  readonly #options: UniquesMergeOptions;
  readonly #merge: UniquesMerge;
  readonly #headers: readonly { readonly name: string; readonly value: Buffer }[];
  readonly #pace: ResultsPace;
  #results = 0;
  /** Windows that were open at the last snapshot. */
  #kept = 0;

  constructor(options: UniquesMergeOptions) {
    this.#options = options;
    this.#pace = new ResultsPace(options.provisionalMs);
    this.#merge = new UniquesMerge(options.partitions, options.rules);
    this.#headers = [{ name: JOB_HEADER, value: Buffer.from(options.job) }];
  }

  restore(state: readonly StateRecord[], counts: Readonly<Record<string, number>>): void {
    this.#merge.restore(state);
    this.#kept = this.#merge.openWindows;
    this.#results = counts.results ?? 0;
  }

  process(batch: SourceBatch): number {
    const slice = String(batch.partition);
    const records = eachTold(batch, (key, value) => this.#merge.apply(slice, [{ key, value }]));
    this.#pace.heard(records);
    return records;
  }

  tick(nowMs: number, positions: ReadonlyMap<number, SourcePosition>, output: Output): boolean {
    const behind = slicesBehind(positions);
    const due = this.#pace.due(nowMs, behind.size > 0);
    return due !== undefined && this.#emit(nowMs, due === 'all', output, behind);
  }

  isFull(): boolean {
    return this.#merge.openWindows - this.#kept >= MOST_NEW_WINDOWS;
  }

  snapshot(): StateRecord[] {
    this.#kept = this.#merge.openWindows;
    return asStateRecords(this.#merge.snapshot());
  }

  counts(): Record<string, number> {
    const { afterClose, openWindows } = this.#merge;
    return { ...this.#merge.tally, results: this.#results, afterClose, openWindows };
  }

  finish(output: Output): void {
    this.#emit(this.#options.now(), true, output);
  }

  #emit(nowMs: number, withChanges: boolean, output: Output, behind?: ReadonlySet<string>): boolean {
    const write = (result: UniqueUsersResult, sketch: UniqueSketch): void =>
      this.#write(result, sketch, nowMs, output);
    const due = this.#merge.results(nowMs, withChanges, write, behind);
    this.#results += due.length;
    return due.length > 0;
  }

  #write(result: UniqueUsersResult, sketch: UniqueSketch, timestampMs: number, output: Output): void {
    const { target, sketches } = this.#options;
    const key = Buffer.from(resultKey(result));
    const headers = this.#headers;
    const value = Buffer.from(JSON.stringify(result));
    output.write(target.topic, partitionOfKey(key, target.partitions), { timestampMs, key, value, headers });
    if (result.status === 'provisional') return;
    const state = asBuffer(encodeSketch(sketch));
    output.write(sketches.topic, partitionOfKey(key, sketches.partitions), {
      timestampMs,
      key,
      value: state,
      headers,
    });
  }
}

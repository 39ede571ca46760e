import { DEAD_LETTER_HEADERS } from '../../core/dead-letter.js';
import { encodeProvenance, PROVENANCE_HEADER } from '../../core/provenance.js';
import {
  redriveVerdict,
  RedriveTally,
  type RedriveSelection,
  type RedriveVerdict,
  type Remedy,
} from '../../core/redrive.js';
import { RedrivenOffsets } from '../../core/redriven.js';
import type { StateRecord } from '../checkpoint-store.js';
import type { Processor, SourceBatch } from '../processor.js';
import type { OutputRecord } from '../record-batch-builder.js';
import type { Output } from '../transactional-writer.js';

export interface RedriveOptions {
  readonly target: { readonly topic: string; readonly partitions: number };
  readonly remedy: Remedy;
  readonly selection: RedriveSelection;
}

/**
 * Writes the dead letters that pass today's rules to where they had gone if they had passed at once. Which ones it has written
 * is its state, in the transaction that writes them: a letter is written once, however often and by whomever it is redriven.
 */
export class RedriveProcessor implements Processor {
  readonly #options: RedriveOptions;
  readonly #redriven = new RedrivenOffsets();
  #tally = new RedriveTally();

  constructor(options: RedriveOptions) {
    this.#options = options;
  }

  restore(state: readonly StateRecord[], counts: Readonly<Record<string, number>>): void {
    this.#redriven.restore(state);
    this.#tally = new RedriveTally(counts);
  }

  process({ partition, batch, startOffset, endOffset }: SourceBatch, output: Output): number {
    const { target, remedy, selection } = this.#options;
    const cursor = batch.records(startOffset, endOffset);
    let records = 0;
    while (cursor.next()) {
      records++;
      const record = { value: cursor.value(), headers: cursor.headers() };
      const isDone = this.#redriven.has(partition, cursor.offset);
      const verdict = redriveVerdict(record, remedy, selection, isDone);
      this.#tally.add(verdict);
      if (verdict.kind !== 'passes') continue;
      // Beside its neighbours in the source: order within a partition is of what was redriven together.
      const to = verdict.opened.letter.source.partition % target.partitions;
      output.write(target.topic, to, redrivenRecord(verdict, cursor.timestampMs));
      this.#redriven.add(partition, cursor.offset);
    }
    return records;
  }

  snapshot(): StateRecord[] {
    return this.#redriven.snapshot();
  }

  counts(): Record<string, number> {
    return this.#tally.counts;
  }

  finish(): void {
    // Every letter was decided when it was read.
  }
}

/** As the job would have written it, with where it came from, and one more attempt for whoever gives it up again. */
function redrivenRecord(
  { opened, key, value }: Extract<RedriveVerdict, { kind: 'passes' }>,
  letterTimestampMs: number,
): OutputRecord {
  const { source, job, attempt } = opened.letter;
  return {
    // A record without a time of its own gets that of its letter.
    timestampMs: source.timestampMs < 0 ? letterTimestampMs : source.timestampMs,
    key,
    value,
    headers: [
      { name: PROVENANCE_HEADER, value: encodeProvenance({ ...source, job }) },
      { name: DEAD_LETTER_HEADERS.attempt, value: Buffer.from(String(attempt + 1)) },
    ],
  };
}

import { PipelineError } from '../core/errors.js';
import { feed } from './feed.js';
import type { SeedRows } from './sources.js';
import type { Write } from './writers/segments.js';

export type Source = 'users' | 'events';

export interface RunOptions {
  /** Operations per second at most. */
  readonly rate?: number | undefined;
  /** Go on at the wall clock's time until the signal ends it; the counts of the options become weights. */
  readonly continuous?: boolean;
  /** Delete the seed's own rows first. Without it a source that holds other rows of the seed is refused. */
  readonly replace?: boolean;
  /** Where to write the exact answer. */
  readonly answerFile?: string | undefined;
  readonly signal?: AbortSignal | undefined;
  /** Called after each batch; `planned` is undefined when the run has no end. */
  readonly onProgress?: (source: Source, written: number, planned: number | undefined) => void;
}

export interface Generated {
  readonly source: Source;
  readonly seed: number;
  /** `already there`: the source held exactly what the run would have written, so nothing was. */
  readonly outcome: 'written' | 'already there' | 'stopped';
  /** Operations that were written, by kind. */
  readonly operations: Readonly<Record<string, number>>;
  readonly writtenOperations: number;
  readonly elapsedMs: number;
  readonly operationsPerSecond: number;
  readonly answerFile?: string;
}

export interface Written<Row> {
  readonly generated: Generated;
  /** The final rows; only of a run that kept them (`answerFile`, `keepRows`). */
  readonly rows: () => Row[];
}

export type KeepingOptions = RunOptions & { readonly keepRows?: boolean };

export interface Job<Operation, Row> {
  readonly source: Source;
  readonly seed: number;
  readonly present: SeedRows<Row>;
  readonly expected: () => Row[];
  readonly planned: number;
  readonly bounded: () => Iterable<Operation>;
  readonly endless: () => Iterable<Operation>;
  readonly write: Write<Operation>;
  readonly model: { apply(operation: Operation): void; rows(): Row[] };
}

/** Writes one run, unless the source already holds exactly what it would leave behind. */
export async function writeRun<Operation extends { readonly op: string }, Row>(
  run: KeepingOptions,
  job: Job<Operation, Row>,
): Promise<Written<Row>> {
  const { source, seed, model } = job;
  const startedMs = performance.now();
  if (await job.present.isPresent()) {
    if (run.replace === true) await job.present.remove();
    else {
      const rows = await sameRowsOrThrow(run, job);
      const nothing = { operations: {}, writtenOperations: 0, operationsPerSecond: 0 };
      const elapsedMs = performance.now() - startedMs;
      return {
        generated: { source, seed, outcome: 'already there', elapsedMs, ...nothing },
        rows: () => rows,
      };
    }
  }
  const operations: Record<string, number> = {};
  const keepRows = run.keepRows === true || run.answerFile !== undefined;
  const writingSinceMs = performance.now();
  const { written, stopped } = await feed(
    run.continuous === true ? job.endless() : job.bounded(),
    job.write,
    (operation) => {
      operations[operation.op] = (operations[operation.op] ?? 0) + 1;
      if (keepRows) model.apply(operation);
    },
    {
      rate: run.rate,
      signal: run.signal,
      nowMs: () => performance.now(),
      onProgress: (done) => run.onProgress?.(source, done, run.continuous === true ? undefined : job.planned),
    },
  );
  const elapsedMs = performance.now() - writingSinceMs;
  const operationsPerSecond = elapsedMs > 0 ? (written / elapsedMs) * 1_000 : 0;
  const outcome = stopped && (run.continuous === true || written < job.planned) ? 'stopped' : 'written';
  return {
    generated: {
      source,
      seed,
      outcome,
      operations,
      writtenOperations: written,
      elapsedMs,
      operationsPerSecond,
    },
    rows: () => model.rows(),
  };
}

/** What makes repeating a run harmless: the rows that are there must be exactly those it would leave behind. */
async function sameRowsOrThrow<Operation, Row>(run: RunOptions, job: Job<Operation, Row>): Promise<Row[]> {
  const hint = '--replace deletes the rows of this seed first; another --seed has keys of its own';
  if (run.continuous === true) {
    throw new PipelineError(
      'ALREADY_GENERATED',
      `generating ${job.source}: there are rows of seed ${job.seed} already; ${hint}`,
    );
  }
  const expected = job.expected();
  const found = await job.present.compare(expected);
  if (found.equal) return expected;
  const counts = `${found.missing.count} missing, ${found.extra.count} extra, ${found.different.count} different`;
  throw new PipelineError(
    'ALREADY_GENERATED',
    `generating ${job.source}: other rows of seed ${job.seed} are there (${counts}); ${hint}`,
  );
}

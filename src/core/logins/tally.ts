import { PipelineError } from '../errors.js';

export type FilteredReason = 'TOMBSTONE' | 'DUPLICATE' | 'FILTERED';

/** How the messages of one partition ended; `offset` is the next to read, the others count messages in front of it. */
export interface PartitionTally {
  readonly partition: number;
  /** Where the job began. */
  readonly startOffset: number;
  offset: number;
  read: number;
  clean: number;
  dlq: number;
  filtered: number;
  readonly dlqReasons: Record<string, number>;
  readonly filteredReasons: Record<string, number>;
}

export const newTally = (partition: number, startOffset: number): PartitionTally => ({
  partition,
  startOffset,
  offset: startOffset,
  read: 0,
  clean: 0,
  dlq: 0,
  filtered: 0,
  dlqReasons: {},
  filteredReasons: {},
});

export const raise = (counts: Record<string, number>, name: string): void => {
  counts[name] = (counts[name] ?? 0) + 1;
};

const sum = (counts: Readonly<Record<string, number>>): number =>
  Object.values(counts).reduce((total, count) => total + count, 0);

/** What does not hold of `read = clean + dlq + filtered`; undefined when all does. */
export function identityFault(tally: PartitionTally): string | undefined {
  const { read, clean, dlq, filtered, startOffset, offset } = tally;
  if (read !== clean + dlq + filtered)
    return `${read} read, ${clean} clean + ${dlq} dlq + ${filtered} filtered`;
  if (dlq !== sum(tally.dlqReasons)) return `${dlq} dlq, ${sum(tally.dlqReasons)} by reason`;
  if (filtered !== sum(tally.filteredReasons))
    return `${filtered} filtered, ${sum(tally.filteredReasons)} by reason`;
  // Fewer where compaction or transactions left holes, never more.
  if (read > offset - startOffset) return `${read} read of offsets [${startOffset}, ${offset})`;
  return undefined;
}

/** @throws PipelineError `IDENTITY_BROKEN`: a message was lost or counted twice, and nothing may be written on top of that. */
export function requireIdentity(job: string, tally: PartitionTally): void {
  const fault = identityFault(tally);
  if (fault === undefined) return;
  const { partition, offset } = tally;
  throw new PipelineError('IDENTITY_BROKEN', `cleaning logins as ${job}: partition ${partition}: ${fault}`, {
    at: { partition, offset: String(offset) },
  });
}

/** @throws PipelineError `IDENTITY_BROKEN` when a message comes again, or behind a later one. */
export function requireOrder(job: string, { partition, offset }: PartitionTally, next: number): void {
  if (next >= offset) return;
  const message = `cleaning logins as ${job}: partition ${partition}: offset ${next} came behind ${offset - 1}`;
  throw new PipelineError('IDENTITY_BROKEN', message, { at: { partition, offset: String(next) } });
}

/** Flat names for checkpoints: `0/read`, `0/dlq`, `0/dlq/INVALID_IP` ... */
export function tallyCounts(tallies: Iterable<PartitionTally>): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const tally of tallies) {
    const { partition, dlqReasons, filteredReasons, ...numbers } = tally;
    for (const [name, count] of Object.entries(numbers)) counts[`${partition}/${name}`] = count;
    for (const [reason, count] of Object.entries(dlqReasons)) counts[`${partition}/dlq/${reason}`] = count;
    for (const [reason, count] of Object.entries(filteredReasons))
      counts[`${partition}/filtered/${reason}`] = count;
  }
  return counts;
}

/** The tallies behind `tallyCounts`, in order of partition. */
export function talliesOf(counts: Readonly<Record<string, number>>): PartitionTally[] {
  const tallies = new Map<number, PartitionTally>();
  for (const [name, count] of Object.entries(counts)) {
    const [partition, outcome, reason] = name.split('/');
    if (outcome === undefined) continue;
    const id = Number(partition);
    const tally = tallies.get(id) ?? newTally(id, 0);
    tallies.set(id, tally);
    if (reason === undefined) Object.assign(tally, { [outcome]: count });
    else (outcome === 'dlq' ? tally.dlqReasons : tally.filteredReasons)[reason] = count;
  }
  return [...tallies.values()].sort((a, b) => a.partition - b.partition);
}

import { PipelineError } from '../../core/errors.js';
import { cleanTopic, deadLetterTopic } from '../../core/names.js';
import { redriveVerdict, RedriveTally, type Remedy } from '../../core/redrive.js';
import type { RedriveGroup, RedriveInput, RedriveReport } from '../../messages.js';
import { ensureCheckpointTopic } from '../checkpoint-topic.js';
import type { KafkaConnection } from '../kafka-connection.js';
import { RedriveProcessor } from '../processors/redrive.js';
import { eachRecord } from '../replay/scan.js';
import { findTopic } from '../replay/target.js';
import { DEFAULT_LIMITS, runSlice, type LapLimits } from '../run-slice.js';
import type { TopicAdmin } from '../topic-limits.js';
import { missing, openDeadLetterTopic, redrivenSoFar, redrivePlace } from './topic.js';

export interface RedriveDeps {
  readonly kafka: KafkaConnection;
  readonly admin: Pick<TopicAdmin, 'listTopics' | 'createTopics'>;
  readonly now: () => number;
  readonly remedy: Remedy;
  /** Ends it at a commit. */
  readonly signal?: AbortSignal;
  /** Told after every commit. */
  readonly report?: (report: RedriveReport) => void;
  readonly limits?: Partial<LapLimits>;
}

/** What a redrive would do. Reads, and writes nothing. @throws PipelineError `TOPIC_MISSING`, `BAD_OPTIONS`. */
export async function dryRunRedrive(
  { kafka, remedy }: Pick<RedriveDeps, 'kafka' | 'remedy'>,
  input: RedriveInput,
): Promise<RedriveReport> {
  const letters = await openDeadLetterTopic(kafka, input.topic);
  const redriven = await redrivenSoFar(kafka, letters);
  const tally = new RedriveTally();
  await eachRecord(kafka, {}, letters, letters.ranges, (partition, cursor) => {
    const record = { value: cursor.value(), headers: cursor.headers() };
    tally.add(redriveVerdict(record, remedy, input, redriven.has(partition, cursor.offset)));
  });
  return reportOf(input, 'dry-run', tally.counts);
}

/**
 * Redrives the dead letters that are there now: each that passes today's rules is written once, in one transaction with the
 * note that it was. Ended at any moment and called again, it goes on with what is not done; a second one at the same time
 * fences the first.
 * @throws PipelineError `TOPIC_MISSING`, `BAD_OPTIONS`, `FENCED`, or what the brokers said.
 */
export async function redriveDeadLetters(deps: RedriveDeps, input: RedriveInput): Promise<RedriveReport> {
  const { kafka, admin, now, remedy, report = () => undefined } = deps;
  await ensureCheckpointTopic(admin, kafka);
  const letters = await openDeadLetterTopic(kafka, input.topic);
  const target = targetOf(input);
  const found = await findTopic(kafka, target);
  if (found === undefined) throw missing(target, 'clean records');
  const place = await redrivePlace(kafka, letters);
  const processor = new RedriveProcessor({
    target: { topic: target, partitions: found.partitions },
    remedy,
    selection: input,
  });
  const { topic, topicId, ranges } = letters;
  const { outcome, checkpoint } = await runSlice(
    // Letters that retention takes away meanwhile are nobody's loss; every run looks at all that are left.
    {
      transactionalId: place.slice,
      place,
      source: { topic, topicId, ranges },
      allowGaps: true,
      isReread: true,
    },
    { ...DEFAULT_LIMITS, lapMs: Infinity, ...deps.limits },
    {
      source: kafka,
      target: kafka,
      processor,
      now,
      report: (progress) => report(reportOf(input, 'stopped', progress.checkpoint.counts)),
      signal: deps.signal ?? new AbortController().signal,
    },
  );
  return reportOf(input, outcome === 'finished' ? 'finished' : 'stopped', checkpoint.counts);
}

/** @throws PipelineError `BAD_OPTIONS`. */
function targetOf({ topic, target }: RedriveInput): string {
  if (target !== undefined) return target;
  const source = topic.replace(/\.[^.]*$/, '');
  if (deadLetterTopic(source) === topic) return cleanTopic(source);
  const message = `redriving ${topic}: its name does not say where records belong; name the target`;
  throw new PipelineError('BAD_OPTIONS', message, { at: { topic } });
}

function reportOf(
  input: RedriveInput,
  outcome: RedriveReport['outcome'],
  counts: Readonly<Record<string, number>>,
): RedriveReport {
  const of = (name: string): number => counts[name] ?? 0;
  const named = (kind: string): [string, number][] =>
    Object.entries(counts)
      .filter(([name]) => name.startsWith(`${kind}/`))
      .map(([name, count]) => [name.slice(kind.length + 1), count]);
  const total = (kind: string): number => named(kind).reduce((sum, [, count]) => sum + count, 0);
  const kinds = ['passes', 'failing', 'filtered', 'done', 'held'] as const;
  const reasons = [...new Set(kinds.flatMap((kind) => named(kind).map(([reason]) => reason)))].sort();
  const groups = reasons.map((reason): RedriveGroup => ({
    reason,
    passes: of(`passes/${reason}`),
    failing: of(`failing/${reason}`),
    filtered: of(`filtered/${reason}`),
    done: of(`done/${reason}`),
    held: of(`held/${reason}`),
  }));
  const [foreign, unselected] = [total('foreign'), total('unselected')];
  return {
    topic: input.topic,
    target: targetOf(input),
    outcome,
    read: kinds.reduce((sum, kind) => sum + total(kind), foreign + unselected),
    passes: total('passes'),
    groups,
    today: Object.fromEntries(named('today')),
    foreign,
    unselected,
  };
}

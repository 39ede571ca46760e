import { withKafkaAdmin } from '../clients/kafka.js';
import { Tidemark } from '../client.js';
import type { Config } from '../config.js';
import { cleanTopic, deadLetterTopic, insightsTopic, LOGINS_JOB, LOGINS_TOPIC } from '../core/names.js';
import type { LoginAnswer } from '../generate/logins-answer.js';
import { loginOptions } from '../generate/logins-options.js';
import { writeLogins } from '../generate/logins-run.js';
import { TopicWriter } from '../generate/writers/topic.js';
import type { CleanStatus } from '../messages.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { freeze } from '../stream/log-positions.js';
import { makeTopic } from '../stream/make-topic.js';
import { waitUntil } from '../wait-until.js';
import { describeClean, describeInsights } from './clean-text.js';
import { topicSink } from './generate-logins.js';

/** A live stream for a while: long enough to see windows and alerts come. */
const RATE = 200;
const SECONDS = 20;
const LOOK_EVERY_MS = 4_000;
const PARTITIONS = 4;

/** Cleans a live stream of logins for a while, shows its insights as they come, and compares the end with the exact answer. */
export async function demoLogins(config: Config): Promise<boolean> {
  const tidemark = new Tidemark(config);
  const kafka = await KafkaConnection.open(config.kafka, { clientId: 'tidemark-demo' });
  try {
    const writer = await openTopic(config, kafka);
    await tidemark.clean.start({
      job: LOGINS_JOB,
      source: LOGINS_TOPIC,
      clean: cleanTopic(LOGINS_TOPIC),
      dlq: deadLetterTopic(LOGINS_TOPIC),
      insights: insightsTopic(LOGINS_TOPIC),
      provisionalMs: 1_000,
      requestedBy: 'demo',
    });
    // A demo before this one has left its own.
    const before = await whole(tidemark, kafka);
    const answers = await generate(tidemark, writer);
    const after = await whole(tidemark, kafka);
    console.log(describeClean(after));
    console.log(describeInsights(await tidemark.clean.insights({ job: LOGINS_JOB, limit: 5 })));
    // The one stream worker of a stack is for whoever comes next.
    await tidemark.clean.stop(LOGINS_JOB);
    return after.identityHolds && isExact(answers, before, after);
  } finally {
    await kafka.close();
    await tidemark.close();
  }
}

async function openTopic(config: Config, kafka: KafkaConnection): Promise<TopicWriter> {
  await withKafkaAdmin(config, 'tidemark-demo', (admin) => makeTopic(admin, kafka, LOGINS_TOPIC, PARTITIONS));
  return TopicWriter.open(kafka, LOGINS_TOPIC);
}

async function generate(tidemark: Tidemark, writer: TopicWriter): Promise<LoginAnswer[]> {
  const answers: LoginAnswer[] = [];
  const looking = setInterval(() => {
    // A look that fails shows nothing: the next one comes soon, and the end is waited for.
    void look(tidemark).then(console.log, () => undefined);
  }, LOOK_EVERY_MS);
  try {
    const options = {
      rate: RATE,
      messages: RATE * SECONDS,
      partitions: writer.partitions,
      fromMs: Date.now(),
    };
    await writeLogins(loginOptions(options), topicSink(writer, Date.now), {
      now: Date.now,
      signal: new AbortController().signal,
      onAnswer: (lines) => void answers.push(...lines),
    });
  } finally {
    clearInterval(looking);
  }
  return answers;
}

/** The newest minute, and the alerts so far, in one line. */
async function look(tidemark: Tidemark): Promise<string> {
  const { windows, alerts } = await tidemark.clean.insights({ job: LOGINS_JOB, limit: 100 });
  const [newest] = windows;
  if (newest === undefined) return 'the first window is yet to come';
  const kinds = new Map<string, number>();
  for (const { alert } of alerts) kinds.set(alert, (kinds.get(alert) ?? 0) + 1);
  const told = [...kinds].map(([kind, count]) => `${count} ${kind}`).join(', ') || 'none';
  return `${newest.start} ${newest.status}: ${newest.logins} logins of ${newest.users} users; alerts: ${told}`;
}

/** The status once all that the topic holds has been read. */
async function whole(tidemark: Tidemark, kafka: KafkaConnection): Promise<CleanStatus> {
  const { partitions } = await freeze(kafka, LOGINS_TOPIC);
  const end = new Map(partitions.map(({ partition, highWatermark }) => [partition, highWatermark]));
  let newest: CleanStatus | undefined;
  await waitUntil(
    'everything cleaned',
    async () => {
      const status = await tidemark.clean.status(LOGINS_JOB);
      newest = status;
      const offsets = new Map(
        status.reports.flatMap(({ part, next }) => (part === 'merge' ? [] : Object.entries(next))),
      );
      return (
        status.plan !== null &&
        [...end].every(
          ([partition, offset]) => offset === 0 || Number(offsets.get(String(partition)) ?? 0) >= offset,
        )
      );
    },
    { timeoutMs: 60_000, everyMs: 500 },
  );
  return newest!;
}

/** Of every partition what came in between, by outcome, is what was generated. */
function isExact(answers: readonly LoginAnswer[], before: CleanStatus, after: CleanStatus): boolean {
  return answers.every((answer) => {
    if (answer.type !== 'partition') return true;
    const count = (status: CleanStatus, outcome: 'read' | 'clean'): number =>
      status.partitions.find(({ partition }) => partition === answer.partition)?.[outcome] ?? 0;
    return (['read', 'clean'] as const).every(
      (outcome) => count(after, outcome) - count(before, outcome) === answer[outcome],
    );
  });
}

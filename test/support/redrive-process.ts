/** A process that redrives dead letters and says `commit` on stdout after every one, to be killed in between. */
import { writeSync } from 'node:fs';
import { connectKafka } from '../../src/clients/kafka.js';
import type { Config } from '../../src/config.js';
import { loginRemedy } from '../../src/core/logins/remedy.js';
import type { RedriveInput } from '../../src/messages.js';
import { redriveDeadLetters } from '../../src/stream/dead-letters/redrive.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';

/** What it is told on its command line. */
export interface RedriveOrder {
  readonly kafka: Config['kafka'];
  readonly input: RedriveInput;
  readonly commitRecords: number;
}

// Synchronous, so that what the parent reads is what has happened.
const say = (line: string): void => void writeSync(1, `${line}\n`);

const { kafka: config, input, commitRecords } = JSON.parse(process.argv[2] ?? '') as RedriveOrder;
const kafka = await KafkaConnection.open(config);
const admin = connectKafka({ kafka: config }).admin();
try {
  await admin.connect();
  const report = await redriveDeadLetters(
    {
      kafka,
      admin,
      now: Date.now,
      remedy: loginRemedy(),
      report: () => say('commit'),
      limits: { commitRecords },
    },
    input,
  );
  say(JSON.stringify(report));
} finally {
  await admin.disconnect();
  await kafka.close();
}

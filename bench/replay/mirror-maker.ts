import { createServer, type AddressInfo } from 'node:net';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { freeze } from '../../src/stream/log-positions.js';
import { eachRecord } from '../../src/stream/replay/scan.js';
import { PipelineError } from '../../src/core/errors.js';
import { clientSettings, JavaProgram, type Settings } from './java.js';
import type { Copied, CopyOrder } from './order.js';

const LIMIT_MS = 240_000;
/** Without growth for so long it is taken to be at its end; what it wrote is then counted. */
const QUIET_MS = 4_000;

/**
 * MirrorMaker 2 in dedicated mode with exactly-once on, from one broker to the same: as it comes, and with settings that make
 * it fast (`tuned`: a transaction of up to 20,000 records where it takes 500, larger batches). Measured from its first
 * committed record to its last, so that its start does not count; it copies everything and writes no provenance.
 */
export async function mirror(order: CopyOrder, tuned: boolean): Promise<Copied> {
  const { kafka, slice } = order;
  const alias = slice.transactionalId.replaceAll('.', '-');
  const settings = await settingsOf(order, alias, tuned);
  const connection = await KafkaConnection.open(kafka);
  const program = await JavaProgram.start('org.apache.kafka.connect.mirror.MirrorMaker', settings, (file) => [
    file,
  ]);
  try {
    const copy = `${alias}.${slice.source.topic}`;
    const [begin, end] = await watch(connection, copy, program, expectedOf(order));
    const read = await count(connection, copy);
    return {
      read,
      written: read,
      elapsedMs: end.atMs - begin.atMs,
      cpuMs: end.cpuMs - begin.cpuMs,
      peakRssMb: program.usage().peakRssMb,
    };
  } finally {
    await program.close();
    await connection.close();
  }
}

async function settingsOf({ kafka, slice }: CopyOrder, alias: string, tuned: boolean): Promise<Settings> {
  return {
    clusters: `${alias},copy`,
    ...clientSettings(kafka, `${alias}.`),
    ...clientSettings(kafka, 'copy.'),
    [`${alias}->copy.enabled`]: true,
    [`${alias}->copy.topics`]: slice.source.topic,
    'copy.exactly.once.source.support': 'enabled',
    // Tasks ask their leader over this interface before they may write.
    'dedicated.mode.enable.internal.rest': true,
    listeners: `http://127.0.0.1:${String(await freePort())}`,
    'tasks.max': 2,
    'replication.factor': 1,
    'offset-syncs.topic.replication.factor': 1,
    'offset.storage.replication.factor': 1,
    'config.storage.replication.factor': 1,
    'status.storage.replication.factor': 1,
    'emit.heartbeats.enabled': false,
    'emit.checkpoints.enabled': false,
    'sync.topic.acls.enabled': false,
    'sync.topic.configs.enabled': false,
    'refresh.topics.enabled': false,
    ...(tuned && {
      [`${alias}.consumer.max.poll.records`]: 20_000,
      [`${alias}.consumer.max.partition.fetch.bytes`]: 4_194_304,
      'copy.producer.batch.size': 524_288,
      'copy.producer.linger.ms': 5,
    }),
  };
}

const expectedOf = ({ slice }: CopyOrder): number =>
  slice.source.ranges.reduce((sum, { startOffset, endOffset = 0 }) => sum + endOffset - startOffset, 0);

interface Mark {
  readonly atMs: number;
  readonly cpuMs: number;
}

/** When the copy's first record was committed, and when its last. Its offsets count transaction markers too. */
async function watch(
  connection: KafkaConnection,
  topic: string,
  program: JavaProgram,
  expected: number,
): Promise<[Mark, Mark]> {
  const limitMs = performance.now() + LIMIT_MS;
  let begin: Mark | undefined;
  let end: Mark | undefined;
  let length = 0;
  while (performance.now() < limitMs) {
    if (!program.running) throw new Error(`MirrorMaker ended: ${program.printed().slice(-2_000)}`);
    const now = await lengthOf(connection, topic);
    const mark = { atMs: performance.now(), cpuMs: program.usage().cpuMs };
    if (now > length) {
      length = now;
      begin ??= mark;
      end = mark;
    }
    if (begin && end && length >= expected && mark.atMs - end.atMs > QUIET_MS) return [begin, end];
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  throw new Error(`MirrorMaker copied ${length} of ${expected} in time: ${program.printed().slice(-2_000)}`);
}

async function lengthOf(connection: KafkaConnection, topic: string): Promise<number> {
  try {
    const { partitions } = await freeze(connection, topic);
    return partitions.reduce((sum, { lastStableOffset }) => sum + lastStableOffset, 0);
  } catch (error) {
    if (error instanceof PipelineError && error.code.startsWith('KAFKA_')) return 0; // it has not made the topic yet
    throw error;
  }
}

async function count(connection: KafkaConnection, topic: string): Promise<number> {
  const frozen = await freeze(connection, topic);
  const ranges = frozen.partitions.map(({ partition, lastStableOffset }) => ({
    partition,
    startOffset: 0,
    endOffset: lastStableOffset,
  }));
  let records = 0;
  await eachRecord(connection, {}, frozen, ranges, () => records++);
  return records;
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer().once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as AddressInfo;
      server.close(() => {
        resolve(port);
      });
    });
  });
}

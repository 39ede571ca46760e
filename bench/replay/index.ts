import { join } from 'node:path';
import { execa } from 'execa';
import type { Config } from '../../src/config.js';
import type { Selection } from '../../src/core/filter.js';
import { packageRoot } from '../../src/package-root.js';
import { CHECKPOINT_TOPIC } from '../../src/stream/checkpoint-store.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { check } from '../../src/stream/kafka-errors.js';
import { freeze } from '../../src/stream/log-positions.js';
import { RecordBatchBuilder } from '../../src/stream/record-batch-builder.js';
import { produceRequest } from '../../src/stream/requests.js';
import { createTopics, kafkaOf } from '../../test/chaos/replay/scene.js';
import { withStack } from '../../test/support/with-stack.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport, type Measured } from '../benchmark.js';
import { consumerPerformance } from './consumer-performance.js';
import { mirror } from './mirror-maker.js';
import type { Copied, CopyOrder } from './order.js';

const PARTITIONS = 4;
const BATCH_RECORDS = 500;
const FROM_MS = Date.UTC(2021, 6, 11, 11);
/** Records alternate between the two hours: a window of the first keeps half of them. */
const HOUR_MS = 3_600_000;

type Program = (order: CopyOrder) => Promise<Copied>;

const OURS: Program = (order) => script('ours', order);
const KAFKAJS: Program = (order) => script('kafkajs', order);

interface Case {
  readonly name: string;
  readonly valueBytes: number;
  readonly records: number;
  readonly selection: Selection;
  readonly ours: Program;
  readonly peers: Readonly<Record<string, Program>>;
  /** Rounds unless the command line says; a peer that takes long is asked less often. */
  readonly rounds: number;
}

const HALF: Selection = { window: { fromMs: FROM_MS, toMs: FROM_MS + HOUR_MS } };
const ALL: Selection = { window: { fromMs: FROM_MS, toMs: FROM_MS + 2 * HOUR_MS } };
const CASES: readonly Case[] = [
  {
    name: 'half-120B',
    valueBytes: 120,
    records: 1_000_000,
    selection: HALF,
    ours: OURS,
    peers: { kafkajs: KAFKAJS },
    rounds: 3,
  },
  {
    name: 'all-120B',
    valueBytes: 120,
    records: 1_000_000,
    selection: ALL,
    ours: OURS,
    peers: {
      kafkajs: KAFKAJS,
      'mirrormaker2-eos': (order) => mirror(order, false),
      'mirrormaker2-eos-tuned': (order) => mirror(order, true),
    },
    rounds: 3,
  },
  {
    name: 'half-1kB',
    valueBytes: 1_000,
    records: 600_000,
    selection: HALF,
    ours: OURS,
    peers: { kafkajs: KAFKAJS },
    rounds: 3,
  },
  {
    name: 'json-field-120B',
    valueBytes: 120,
    records: 1_000_000,
    selection: { filter: 'value.even == true' },
    ours: OURS,
    peers: {},
    rounds: 3,
  },
  {
    name: 'read-120B',
    valueBytes: 120,
    records: 3_000_000,
    selection: ALL,
    ours: (order) => script('read', order),
    peers: { 'java-consumer-performance': consumerPerformance },
    rounds: 3,
  },
];

/**
 * Copying a topic of four partitions exactly once, provenance written, and reading it; the first case is the headline.
 * `TIDEMARK_BENCH_CASE` names a case to run alone.
 */
export const benchmark: Benchmark = {
  about:
    'replaying 1,000,000 records exactly once beside a kafkajs loop and MirrorMaker 2; reading beside the Java consumer',
  run: (options) =>
    withStack(['kafka'], async ({ config }) => {
      const reports: BenchReport[] = [];
      for (const one of casesOf(process.env.TIDEMARK_BENCH_CASE))
        reports.push(await measure(config.kafka, one, options));
      const [first, ...others] = reports;
      if (first === undefined) throw new RangeError('no cases');
      return { ...first, bench: 'replay', cases: others };
    }),
};

/** All of them, or the named one. */
function casesOf(name: string | undefined): readonly Case[] {
  const found = CASES.filter((one) => name === undefined || one.name === name);
  if (found.length === 0) throw new RangeError(`no case is called ${String(name)}`);
  return found;
}

async function measure(kafka: Config['kafka'], one: Case, options: BenchOptions): Promise<BenchReport> {
  const { scale, rounds = one.rounds, log } = options;
  const programs = { ours: one.ours, ...one.peers };
  const connection = await KafkaConnection.open(kafka);
  const runs = new Map<string, Copied[]>(Object.keys(programs).map((program) => [program, []]));
  try {
    const perPartition = Math.round((one.records * scale) / PARTITIONS / BATCH_RECORDS) * BATCH_RECORDS;
    const source = `${one.name}.a`;
    await createTopics(kafkaOf(kafka), [
      [source, PARTITIONS],
      [CHECKPOINT_TOPIC, 16],
    ]);
    await fill(connection, source, perPartition, one.valueBytes);
    for (let round = 0; round < rounds; round++) {
      for (const [program, run] of Object.entries(programs)) {
        const name = `${one.name}.${program}.${String(round)}`;
        const order = await orderOf(connection, kafka, source, name, one.selection);
        const copied = await run(order);
        if (copied.read !== perPartition * PARTITIONS) throw new Error(`${name} read ${String(copied.read)}`);
        log(
          `${name}: ${String(Math.round(rate(copied)))} records/s, ${String(copied.cpuMs)} ms CPU, ${String(copied.peakRssMb)} MB`,
        );
        runs.get(program)?.push(copied);
      }
    }
  } finally {
    await connection.close();
  }
  const ours = runs.get('ours') ?? [];
  const peers = [...runs].filter(([program]) => program !== 'ours');
  return {
    bench: one.name,
    unit: 'records of A/s',
    ours: measured(ours),
    peers: Object.fromEntries(peers.map(([program, theirs]) => [program, measured(theirs)])),
    ratios: Object.fromEntries(
      peers.map(([program, theirs]) => [
        program,
        spread(ours.map((own, round) => rate(own) / rate(theirs[round] ?? own))),
      ]),
    ),
  };
}

async function fill(
  connection: KafkaConnection,
  topic: string,
  perPartition: number,
  bytes: number,
): Promise<void> {
  const builder = new RecordBatchBuilder();
  for (let start = 0; start < perPartition; start += BATCH_RECORDS) {
    for (let partition = 0; partition < PARTITIONS; partition++) {
      builder.reset();
      for (let index = start; index < start + BATCH_RECORDS; index++) {
        const value = `{"index":${String(index)},"even":${String(index % 2 === 0)},"fill":"`;
        builder.append({
          timestampMs: FROM_MS + (index % 2) * HOUR_MS + (index % 1_000),
          key: null,
          value: Buffer.from(`${value.padEnd(bytes - 2, 'x')}"}`),
        });
      }
      const batch = { topic, partition, batch: Buffer.from(builder.seal()) };
      await connection.whileMoving(async (fresh) => {
        const leader = await connection.leader(topic, partition, fresh);
        for (const { errorCode } of await connection.send(leader, produceRequest(null, [batch], 30_000))) {
          check(errorCode, `filling ${topic}`);
        }
      });
    }
  }
}

/** Each run has a B of its own. */
async function orderOf(
  connection: KafkaConnection,
  kafka: Config['kafka'],
  source: string,
  name: string,
  selection: Selection,
): Promise<CopyOrder> {
  await createTopics(kafkaOf(kafka), [[`${name}.b`, PARTITIONS]]);
  const [a, b] = [await freeze(connection, source), await freeze(connection, `${name}.b`)];
  const ranges = a.partitions.map(({ partition, logStartOffset, lastStableOffset }) => ({
    partition,
    startOffset: logStartOffset,
    endOffset: lastStableOffset,
  }));
  return {
    kafka,
    slice: {
      transactionalId: name,
      place: { topic: CHECKPOINT_TOPIC, partition: 0, slice: name },
      source: { topic: source, topicId: a.topicId, ranges },
      allowGaps: false,
    },
    target: { topic: `${name}.b`, topicId: b.topicId },
    partitions: PARTITIONS,
    selection,
  };
}

async function script(program: string, order: CopyOrder): Promise<Copied> {
  const file = join(packageRoot, 'dist', 'bench', 'replay', `${program}.js`);
  const { stdout } = await execa(process.execPath, [file, JSON.stringify(order)], { stderr: 'inherit' });
  return JSON.parse(stdout.trim().split('\n').at(-1) ?? '') as Copied;
}

const rate = ({ read, elapsedMs }: Copied): number => (1_000 * read) / elapsedMs;

const measured = (runs: readonly Copied[]): Measured => ({
  ...spread(runs.map((one) => Math.round(rate(one)))),
  cpuPerUnitNs: Math.round(spread(runs.map(({ cpuMs, read }) => (1e6 * cpuMs) / read)).median),
  peakRssMb: Math.max(...runs.map(({ peakRssMb }) => peakRssMb)),
});

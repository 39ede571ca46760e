import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Stack } from '../infra/embedded/index.js';
import { withKafkaAdmin } from '../src/clients/kafka.js';
import { FRAME_DEFAULTS } from '../src/generate/frames.js';
import { packageRoot } from '../src/package-root.js';
import { KafkaConnection } from '../src/stream/kafka-connection.js';
import { makeTopic } from '../src/stream/make-topic.js';
import { withStack } from '../test/support/with-stack.js';
import { spread, type Benchmark, type BenchOptions, type BenchReport } from './benchmark.js';

const FRAMES = 1_000_000;
/** Bytes of a frame: uid, ts and little else, and what `tidemark generate frames` makes unless asked. */
const SIZES = [60, FRAME_DEFAULTS.bytes] as const;
/** What `tidemark generate frames` is to reach wherever it writes to, frames a second. */
const WANTED = 200_000;
const PARTITIONS = 4;

const execute = promisify(execFile);
/** Certificates that a machine adds to Node's are parsed at its start: of a proxy's concern, not of frames. */
const run = (command: string, args: readonly string[]) =>
  execute(command, args, { env: { ...process.env, NODE_EXTRA_CA_CERTS: '' } });

/** Somewhere to write to: gets the command without its target, and runs it. */
type Sink = (command: readonly string[], frames: number) => Promise<void>;

/**
 * Small frames, frames of 2 kB, and their exact answer, written by `tidemark generate frames`, the whole process, its start included: to
 * nowhere, to a file, into a pipe that `wc` reads, and to a topic whose broker is on the same machine.
 */
export const benchmark: Benchmark = {
  about: `writing ${FRAMES} frames of ${SIZES.join(' and ')} bytes with --answer to /dev/null, a file, a pipe and a topic, wanted ${WANTED} a second`,
  run: (options) => withStack(['kafka'], (stack) => measure(stack, options)),
};

async function measure(stack: Stack, { scale, rounds = 5, log }: BenchOptions): Promise<BenchReport> {
  const frames = Math.round(FRAMES * scale);
  const rates = new Map<string, number[]>();
  for (let round = 0; round < rounds; round++) {
    for (const bytes of SIZES) {
      await withTopic(stack, `frames.${round}.${bytes}`, async (topic) => {
        for (const [to, sink] of Object.entries(sinksOf(stack, topic))) {
          const name = `${to}, ${bytes} bytes`;
          const rate = await rateOf(stack, sink, frames, bytes);
          // What is not on disk yet would be written there while the next program runs.
          rmSync(fileOf(stack), { force: true });
          log(`${name}: ${Math.round(rate)} frames/s`);
          rates.set(name, [...(rates.get(name) ?? []), rate]);
        }
      });
    }
  }
  const each = (of: (rate: number) => number) =>
    Object.fromEntries([...rates].map(([name, own]) => [name, spread(own.map(of))]));
  const sinks = each(Math.round);
  const below = Object.keys(sinks).filter((name) => sinks[name]!.median < WANTED);
  log(below.length === 0 ? `all reach ${WANTED}` : `below ${WANTED}: ${below.join(', ')}`);
  return {
    bench: 'generate-frames',
    unit: 'frames/s',
    ours: sinks[`null, ${FRAME_DEFAULTS.bytes} bytes`]!,
    peers: {},
    ratios: each((rate) => Number((rate / WANTED).toFixed(2))),
    sinks,
    wanted: WANTED,
    below,
  };
}

/** An empty topic for a round, gone after it: a million frames are 2 GB. */
async function withTopic(
  { config }: Stack,
  topic: string,
  use: (topic: string) => Promise<void>,
): Promise<void> {
  await withKafkaAdmin(config, 'tidemark-bench', async (admin) => {
    const connection = await KafkaConnection.open(config.kafka);
    try {
      await makeTopic(admin, connection, topic, PARTITIONS);
      await use(topic);
      await admin.deleteTopics({ topics: [topic] });
    } finally {
      await connection.close();
    }
  });
}

async function rateOf(stack: Stack, sink: Sink, frames: number, bytes: number): Promise<number> {
  const main = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
  const answer = join(stack.dataDir, 'answer.jsonl');
  const asked = [
    'generate',
    'frames',
    '--frames',
    String(frames),
    '--bytes',
    String(bytes),
    '--answer',
    answer,
  ];
  const startedMs = performance.now();
  await sink([process.execPath, main, '--data-dir', stack.dataDir, ...asked], frames);
  return (1_000 * frames) / (performance.now() - startedMs);
}

const fileOf = ({ dataDir }: Stack): string => join(dataDir, 'frames.jsonl');

function sinksOf(stack: Stack, topic: string): Readonly<Record<string, Sink>> {
  const file = fileOf(stack);
  const to = async ([command = '', ...args]: readonly string[], ...target: string[]): Promise<void> => {
    await run(command, [...args, ...target]);
  };
  return {
    null: (command) => to(command, '--out', '/dev/null'),
    file: (command) => to(command, '--out', file),
    pipe: async (command, frames) => {
      const { stdout } = await run('sh', ['-c', '"$@" | wc -l', 'sh', ...command]);
      assert.equal(Number(stdout), frames);
    },
    topic: (command) => to(command, '--topic', topic),
  };
}

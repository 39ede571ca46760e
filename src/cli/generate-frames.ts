import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import type { Writable } from 'node:stream';
import { createGzip } from 'node:zlib';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { PipelineError } from '../core/errors.js';
import { thousands } from './numbers.js';
import { FRAME_DEFAULTS, generateFrames, type FrameOptions } from '../generate/frames.js';
import { framesAtOnce, paced } from '../generate/paced.js';
import { COMPRESSIONS, type Compression } from '../stream/compression.js';

interface FrameFlags {
  readonly seed: number;
  readonly frames: number;
  readonly users: number;
  readonly bytes: number;
  readonly from: number;
  readonly perSecond: number;
  readonly days?: number;
  readonly lateShare: number;
  readonly late: number;
  readonly flips: number;
  readonly flipsInside: number;
  readonly malformed: number;
  readonly rate?: number;
  readonly out?: string;
  readonly topic?: string;
  readonly compression?: Compression;
  readonly answer?: string;
}

/** Joins the command `generate`, or begins it. */
export function addGenerateFrames(program: Command): void {
  const generate =
    program.commands.find((command) => command.name() === 'generate') ?? program.command('generate');
  const { seed, frames, users, bytes, perSecond, lateShare, lateS, flips, flipsInside, malformed } =
    FRAME_DEFAULTS;
  generate
    .command('frames')
    .description('write frames for counting unique users, with the exact answer')
    .option('--seed <n>', 'the same seed and options give the same frames', number, seed)
    .option('--frames <n>', 'how many', number, frames)
    .option('--users <n>', 'how many different users they are of', number, users)
    .option('--bytes <n>', 'average size of a frame; 43 for uid and ts alone', number, bytes)
    .option('--from <time>', 'time of the first frame, ISO or unix seconds', instant, FRAME_DEFAULTS.fromS)
    .option('--per-second <n>', 'frames per second of their own time', number, perSecond)
    .option('--days <n>', 'instead: spread all frames over so many days', number)
    .option('--late-share <share>', 'share of frames that come late', number, lateShare)
    .option('--late <seconds>', 'how late these may be', number, lateS)
    .option('--flips <n>', 'frames with a bit of ts flipped that makes it impossible', number, flips)
    .option(
      '--flips-inside <n>',
      'frames with a bit of ts flipped that leaves it possible',
      number,
      flipsInside,
    )
    .option('--malformed <n>', 'frames that cannot be read', number, malformed)
    .option('--rate <n>', 'write at most so many frames a second of real time', aboveZero)
    .option('--out <path>', 'file to write, gzip if it ends in .gz (default: standard output)')
    .option(
      '--topic <name>',
      'write to this topic of the stack instead, line n to partition n mod their number',
    )
    .addOption(
      new Option('--compression <codec>', "of the topic's batches (default: lz4)").choices(COMPRESSIONS),
    )
    .option('--answer <path>', 'write the exact count of every window there, as JSON lines')
    .action((flags: FrameFlags) => writeFrames(program, flags));
}

async function writeFrames(program: Command, flags: FrameFlags): Promise<void> {
  const { topic, out, compression } = flags;
  if (topic === undefined && compression !== undefined) {
    throw new PipelineError('BAD_OPTIONS', 'choosing where frames go: --compression is of a --topic');
  }
  const sink = topic === undefined ? openStream(out) : await openTopic(program, topic, compression);
  try {
    await writeTo(sink, flags);
  } finally {
    await sink.release();
  }
}

async function writeTo(sink: FrameSink, flags: FrameFlags): Promise<void> {
  const answer = flags.answer === undefined ? undefined : createWriteStream(flags.answer);
  const startedMs = performance.now();
  let frames = 0;
  let bytes = 0;
  const { rate } = flags;
  const pieces = generateFrames(optionsOf(flags), framesAtOnce(rate));
  for await (const piece of paced(pieces, rate, { nowMs: () => performance.now(), wait: delay })) {
    await sink.write(piece.bytes);
    // At a rate each piece is for somebody who waits for it.
    if (rate !== undefined) await sink.flush();
    if (answer !== undefined) {
      await write(answer, piece.answers.map((count) => `${JSON.stringify(count)}\n`).join(''));
    }
    frames += piece.frames;
    bytes += piece.bytes.length;
  }
  await Promise.all([sink.finish(), answer && close(answer)]);
  const elapsedMs = performance.now() - startedMs;
  const say = (n: number): string => thousands(Math.round(n));
  console.error(
    `${say(frames)} frames, ${say(bytes / 1e6)} MB, ${say((1000 * frames) / elapsedMs)} frames/s`,
  );
}

const optionsOf = (flags: FrameFlags): FrameOptions => ({
  seed: flags.seed,
  frames: flags.frames,
  users: flags.users,
  bytes: flags.bytes,
  fromS: flags.from,
  perSecond: flags.days === undefined ? flags.perSecond : flags.frames / (flags.days * 86_400),
  lateShare: flags.lateShare,
  lateS: flags.late,
  flips: flags.flips,
  flipsInside: flags.flipsInside,
  malformed: flags.malformed,
});

/** Where frames go. */
interface FrameSink {
  /** Resolves when the bytes may be changed. */
  readonly write: (bytes: Buffer) => Promise<void>;
  /** Hands on what was written so far. */
  readonly flush: () => Promise<void>;
  /** Resolves when all has been written. */
  readonly finish: () => Promise<void>;
  /** Called whatever happened: lets the process end. */
  readonly release: () => Promise<void>;
}

function openStream(path: string | undefined): FrameSink {
  const stream = path === undefined ? process.stdout : openOut(path);
  return {
    // What a stream takes without waiting lies in its queue as it is: only larger chunks are done with once it has drained.
    write: (bytes) => write(stream, bytes.length > stream.writableHighWaterMark ? bytes : Buffer.from(bytes)),
    flush: () => Promise.resolve(),
    finish: async () => {
      if (stream !== process.stdout) await close(stream);
    },
    release: () => Promise.resolve(),
  };
}

/** What a topic needs is loaded here only. */
async function openTopic(
  program: Command,
  topic: string,
  compression: Compression = 'lz4',
): Promise<FrameSink> {
  const [{ KafkaConnection }, { FramesTopicWriter }, { dataDirectory, loadConfig }] = await Promise.all([
    import('../stream/kafka-connection.js'),
    import('../generate/writers/frames-topic.js'),
    import('../config.js'),
  ]);
  const { dataDir } = program.opts<{ dataDir?: string }>();
  const { kafka } = loadConfig(dataDirectory(dataDir, process.env), process.env);
  const connection = await KafkaConnection.open(kafka, { clientId: 'tidemark-generate' });
  try {
    const writer = await FramesTopicWriter.open(connection, topic, Date.now, compression);
    return {
      write: (bytes) => writer.write(bytes),
      flush: () => writer.flush(),
      finish: () => writer.flush(),
      release: () => connection.close(),
    };
  } catch (error) {
    await connection.close();
    throw error;
  }
}

function openOut(path: string): Writable {
  const file = createWriteStream(path);
  if (!path.endsWith('.gz')) return file;
  const gzip = createGzip({ level: 1 });
  gzip.pipe(file);
  return gzip;
}

async function write(stream: Writable, chunk: Buffer | string): Promise<void> {
  if (chunk.length > 0 && !stream.write(chunk)) await once(stream, 'drain');
}

async function close(stream: Writable): Promise<void> {
  stream.end();
  await once(stream, 'finish');
}

function number(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value)) throw new InvalidArgumentError('a number');
  return value;
}

function aboveZero(text: string): number {
  const value = number(text);
  if (value <= 0) throw new InvalidArgumentError('a number above 0');
  return value;
}

function instant(text: string): number {
  const seconds = /^\d+$/.test(text) ? Number(text) : Date.parse(text) / 1000;
  if (!Number.isFinite(seconds)) throw new InvalidArgumentError('an ISO time or unix seconds');
  return Math.floor(seconds);
}

import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { finished } from 'node:stream/promises';
import type { Writable } from 'node:stream';
import { InvalidArgumentError, type Command } from 'commander';
import { serviceFault } from '../clients/fault.js';
import { withKafkaAdmin } from '../clients/kafka.js';
import { dataDirectory, loadConfig } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { timeOf } from '../core/filter.js';
import { LOGINS_TOPIC } from '../core/names.js';
import { LOGIN_DEFAULTS, loginOptions, type LoginOptions } from '../generate/logins-options.js';
import { writeLogins, type LoginSink } from '../generate/logins-run.js';
import type { LoginMessage } from '../generate/logins.js';
import { TopicWriter } from '../generate/writers/topic.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { makeTopic } from '../stream/make-topic.js';
import { number } from './numbers.js';

/** Flags that are options of the generator, by the same name. */
const GIVEN = [
  'seed',
  'rate',
  'partitions',
  'users',
  'missing',
  'malformed',
  'invalid',
  'unknown',
  'late',
  'duplicates',
  'tombstones',
  'nullKeys',
  'bursts',
  'sharedDevices',
  'hopping',
  'downgrades',
] as const satisfies readonly (keyof LoginOptions)[];
type Given = Partial<Pick<LoginOptions, (typeof GIVEN)[number]>>;

interface LoginFlags extends Given {
  readonly messages?: number;
  readonly from?: number;
  readonly lateness: number;
  readonly continuous?: true;
  readonly topic: string;
  readonly stdout?: true;
  readonly answer?: string;
  readonly json?: true;
}

/** What a shell reports for a command that Ctrl-C ended before it was done: 128 + SIGINT. */
const INTERRUPTED = 130;
const LINE_EVERY_MS = 5_000;

/** Joins the command `generate`, or begins it. */
export function addGenerateLogins(program: Command): void {
  const generate =
    program.commands.find((command) => command.name() === 'generate') ?? program.command('generate');
  const defaults = LOGIN_DEFAULTS;
  const logins = generate
    .command('logins')
    .description('write logins for cleaning, broken and suspicious ones among them, with the exact answer')
    .option('--topic <name>', 'topic to write; it is made when it is missing', LOGINS_TOPIC)
    .option('--stdout', 'write JSON lines of partition, key and value instead; no service needed')
    .option('--answer <path>', 'write the exact answer there, as JSON lines')
    .option('--continuous', 'go on at the present time, at the rate, until Ctrl-C or so many messages')
    .option('--messages <n>', `how many (${defaults.messages}; with --continuous: no end)`, number)
    .option('--rate <n>', 'messages per second of event time', number, defaults.rate)
    .option('--from <time>', 'when the first message arrives, ISO or unix seconds', instant)
    .option('--partitions <n>', `of the topic when it is made (${defaults.partitions})`, number)
    .option('--users <n>', 'who take turns (default: so many that nobody looks like a burst)', number)
    .option('--seed <n>', 'the same seed and options give the same messages', number, defaults.seed)
    .option('--lateness <seconds>', 'what late ones are late by three times of', number, defaults.latenessS)
    .option('--json', 'what was written as JSON');
  addShares(logins).action((flags: LoginFlags) => generateLogins(program, flags));
}

function addShares(command: Command): Command {
  const defaults = LOGIN_DEFAULTS;
  return command
    .option('--missing <share>', 'of all: a field is missing', number, defaults.missing)
    .option('--malformed <share>', 'of all: no JSON object in UTF-8', number, defaults.malformed)
    .option('--invalid <share>', 'of all: a value that its field cannot have', number, defaults.invalid)
    .option('--unknown <share>', 'of all: a device type that nobody knows', number, defaults.unknown)
    .option('--late <share>', 'of all: too late', number, defaults.late)
    .option('--duplicates <share>', 'of all: an earlier one again', number, defaults.duplicates)
    .option('--tombstones <share>', 'of all: a key without a value', number, defaults.tombstones)
    .option('--null-keys <share>', 'of all: without a key', number, defaults.nullKeys)
    .option('--bursts <n>', 'in ten minutes: users with a burst of logins', number, defaults.bursts)
    .option('--shared-devices <n>', 'in ten minutes: devices of many users', number, defaults.sharedDevices)
    .option('--hopping <n>', 'in ten minutes: users on many devices', number, defaults.hopping)
    .option('--downgrades <n>', 'in ten minutes: devices whose app goes back', number, defaults.downgrades);
}

async function generateLogins(program: Command, flags: LoginFlags): Promise<void> {
  const options = optionsOf(flags);
  const stop = new AbortController();
  // Once only: a second Ctrl-C ends the process at once.
  process.once('SIGINT', () => stop.abort());
  const target = flags.stdout ? toStdout(options) : await toTopic(program, flags, options);
  const answer = flags.answer === undefined ? undefined : createWriteStream(flags.answer);
  const startedMs = performance.now();
  try {
    const result = await writeLogins(target.options, target.sink, {
      ...(flags.continuous && { now: Date.now }),
      signal: stop.signal,
      onProgress: progress(target.options.messages),
      ...(answer && {
        onAnswer: (lines) => write(answer, lines.map((line) => `${JSON.stringify(line)}\n`).join('')),
      }),
    });
    if (answer) await close(answer);
    const perSecond = Math.round((1_000 * result.messages) / (performance.now() - startedMs));
    const where = flags.stdout ? 'standard output' : flags.topic;
    if (flags.json && !flags.stdout) {
      console.log(JSON.stringify({ ...result, topic: where, perSecond, options: target.options }));
    } else console.error(`${result.messages} logins written to ${where}, ${perSecond} a second`);
    if (result.outcome === 'stopped' && target.options.messages !== Infinity) process.exitCode = INTERRUPTED;
  } finally {
    await target.release();
  }
}

function optionsOf({ from, lateness, continuous, messages, ...flags }: LoginFlags): LoginOptions {
  if (continuous && from !== undefined) {
    throw new PipelineError('BAD_OPTIONS', 'reading the options: --continuous begins now, without --from');
  }
  const given = Object.entries(flags).filter(([name]) => (GIVEN as readonly string[]).includes(name));
  return loginOptions({
    ...(Object.fromEntries(given) as Given),
    latenessS: lateness,
    messages: messages ?? (continuous ? Infinity : LOGIN_DEFAULTS.messages),
    // The clock is asked once; --json says what came of it.
    fromMs: continuous ? Date.now() : (from ?? LOGIN_DEFAULTS.fromMs),
  });
}

interface Target {
  readonly options: LoginOptions;
  readonly sink: LoginSink;
  /** Called whatever happened: lets the process end. */
  readonly release: () => Promise<void>;
}

function toStdout(options: LoginOptions): Target {
  const sink: LoginSink = {
    write: (message) => write(process.stdout, `${lineOf(message)}\n`),
    flush: () => Promise.resolve(),
  };
  return { options, sink, release: () => Promise.resolve() };
}

/** Bytes that are no text in UTF-8 are written in base64, by another name. */
export function lineOf({ partition, key, value }: Pick<LoginMessage, 'partition' | 'key' | 'value'>): string {
  const text = value?.toString('utf8');
  const isText = text === undefined || Buffer.from(text).equals(value!);
  const said = isText ? { value: text ?? null } : { valueBase64: value!.toString('base64') };
  return JSON.stringify({ partition, key: key?.toString('utf8') ?? null, ...said });
}

async function toTopic(program: Command, flags: LoginFlags, asked: LoginOptions): Promise<Target> {
  const { topic } = flags;
  const config = loadConfig(
    dataDirectory(program.opts<{ dataDir?: string }>().dataDir, process.env),
    process.env,
  );
  const connection = await KafkaConnection.open(config.kafka, { clientId: 'tidemark-generate' });
  try {
    await withKafkaAdmin(config, 'tidemark-generate', (admin) =>
      makeTopic(admin, connection, topic, asked.partitions),
    );
    const writer = await TopicWriter.open(connection, topic);
    const { partitions } = writer;
    if (flags.partitions !== undefined && flags.partitions !== partitions) {
      const message = `writing to ${topic}: it has ${partitions} partitions, not ${flags.partitions}`;
      throw new PipelineError('BAD_OPTIONS', message, { at: { topic } });
    }
    return {
      options: { ...asked, partitions },
      sink: topicSink(writer, Date.now),
      release: () => connection.close(),
    };
  } catch (cause) {
    await connection.close();
    throw serviceFault('kafka', `opening topic ${topic}`, cause);
  }
}

/** Records carry the instant at which they are written. */
export function topicSink(writer: TopicWriter, now: () => number): LoginSink {
  return {
    write: ({ partition, key, value }) => writer.add(partition, { timestampMs: now(), key, value }),
    flush: () => writer.flush(),
  };
}

function progress(planned: number): (messages: number) => void {
  let lastMs = performance.now();
  return (messages) => {
    if (performance.now() - lastMs < LINE_EVERY_MS) return;
    lastMs = performance.now();
    console.error(`${messages} logins${planned === Infinity ? '' : ` of ${planned}`}`);
  };
}

async function write(stream: Writable, text: string): Promise<void> {
  if (text !== '' && !stream.write(text)) await once(stream, 'drain');
}

async function close(stream: Writable): Promise<void> {
  stream.end();
  await finished(stream);
}

function instant(text: string): number {
  const ms = timeOf(text);
  if (ms === undefined) throw new InvalidArgumentError('expected an ISO time or unix seconds');
  return ms;
}

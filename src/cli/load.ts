import { createReadStream } from 'node:fs';
import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream';
import { createGunzip } from 'node:zlib';
import type { Command } from 'commander';
import { serviceFault } from '../clients/fault.js';
import { withKafkaAdmin } from '../clients/kafka.js';
import { dataDirectory, loadConfig, type Config } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { JsonRecordSplitter } from '../core/json-values.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { makeTopic } from '../stream/make-topic.js';
import { loadRecords } from '../stream/load-records.js';
import { wholeAboveZero } from './numbers.js';

interface LoadFlags {
  readonly create?: number;
  readonly key?: string;
  readonly time?: string;
  readonly json?: true;
}

export function addLoad(program: Command): void {
  program
    .command('load')
    .description('write the records of a file into a topic')
    .argument('<file>', '.json (an array), .jsonl or .ndjson (a record a line), each also with .gz')
    .argument('<topic>', 'topic to write')
    .option(
      '--create <partitions>',
      'make the topic when it is missing, for records of any age',
      wholeAboveZero,
    )
    .option('--key <path>', 'member that becomes the key, for example user.id')
    .option('--time <path>', 'member that becomes the timestamp (ISO, seconds or milliseconds)')
    .option('--json', 'what was loaded as JSON')
    .action(async (file: string, topic: string, { create, key, time, json }: LoadFlags) => {
      const { dataDir } = program.opts<{ dataDir?: string }>();
      const config = loadConfig(dataDirectory(dataDir, process.env), process.env);
      const connection = await KafkaConnection.open(config.kafka, { clientId: 'tidemark-load' });
      try {
        if (create !== undefined) await ensureTopic(config, connection, topic, create);
        const loaded = await loadRecords(connection, recordsOf(file), {
          topic,
          now: Date.now,
          ...(key !== undefined && { keyField: key }),
          ...(time !== undefined && { timeField: time }),
        });
        const { records, withoutKey, withoutTime } = loaded;
        const text = `${records} records loaded into ${topic}; ${withoutKey} without the key, ${withoutTime} without the time`;
        console.log(json ? JSON.stringify(loaded) : text);
      } finally {
        await connection.close();
      }
    });
}

async function ensureTopic(
  config: Config,
  connection: KafkaConnection,
  topic: string,
  partitions: number,
): Promise<void> {
  try {
    await withKafkaAdmin(config, 'tidemark-load', (admin) => makeTopic(admin, connection, topic, partitions));
  } catch (cause) {
    throw serviceFault('kafka', `making topic ${topic}`, cause);
  }
}

/** Every record of a file as its bytes, without holding the file. @throws PipelineError `BAD_FILE`, `BAD_JSON`. */
export async function* recordsOf(file: string): AsyncGenerator<Buffer> {
  const plain = file.replace(/\.gz$/, '');
  const isLines = /\.(jsonl|ndjson)$/.test(plain);
  if (!isLines && !plain.endsWith('.json')) {
    throw new PipelineError(
      'BAD_FILE',
      `reading ${file}: expected .json, .jsonl or .ndjson, each also with .gz`,
    );
  }
  const pieces = open(file);
  try {
    if (isLines) {
      yield* lines(pieces);
      return;
    }
    const splitter = new JsonRecordSplitter();
    for await (const piece of pieces) yield* splitter.push(piece as Buffer);
    splitter.end();
  } catch (cause) {
    if (cause instanceof PipelineError) throw cause;
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new PipelineError('BAD_FILE', `reading ${file}: ${reason}`, { cause });
  }
}

function open(file: string): Readable {
  const source = createReadStream(file);
  if (!file.endsWith('.gz')) return source;
  // A fault of the source destroys the gunzip with it, whose reader then meets it.
  return pipeline(source, createGunzip(), () => undefined);
}

const NEWLINE = 0x0a;

async function* lines(pieces: Readable): AsyncGenerator<Buffer> {
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = Buffer.concat([rest, piece as Buffer]);
    let start = 0;
    for (let end = bytes.indexOf(NEWLINE); end >= 0; end = bytes.indexOf(NEWLINE, start)) {
      if (end > start) yield bytes.subarray(start, end);
      start = end + 1;
    }
    rest = bytes.subarray(start);
  }
  if (rest.length > 0) yield rest;
}

import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Stack } from '../../infra/embedded/index.js';
import { connectKafka } from '../../src/clients/kafka.js';
import { migrateClickHouse } from '../../src/provision/migrate.js';
import { createTopics } from '../../src/provision/topics.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { tidemark, type Ran } from './cli.js';
import { startJobWorkers } from './job-workers.js';
import { useStack } from './stack.js';
import { quietTemporal } from './workflow-server.js';

export interface JobStack {
  readonly stack: () => Stack;
  /** Runs `tidemark` on the stack. */
  readonly cli: (...args: string[]) => Promise<Ran>;
  /** The same with `--json`, which must end well. */
  readonly json: <T>(...args: string[]) => Promise<T>;
  /** A path in a temporary folder of the suite. */
  readonly file: (name: string) => string;
}

/** For the enclosing suite: what counting and cleaning need of a pipeline, with both workers in this process. */
export function useJobStack(): JobStack {
  const stack = useStack(['kafka', 'temporal', 'clickhouse'], { own: true });
  let folder = '';
  let kafka: KafkaConnection;
  let stopWorkers: () => Promise<void>;

  before(async () => {
    quietTemporal();
    folder = await mkdtemp(join(tmpdir(), 'tidemark-job-'));
    const { config } = stack();
    await createTopics(connectKafka(config));
    await migrateClickHouse(config);
    kafka = await KafkaConnection.open(config.kafka);
    stopWorkers = await startJobWorkers(config, kafka);
  });
  after(async () => {
    await stopWorkers?.();
    await kafka?.close();
    await rm(folder, { recursive: true });
  });

  const cli = (...args: string[]): Promise<Ran> => tidemark(['--data-dir', stack().dataDir, ...args]);
  const json = async <T>(...args: string[]): Promise<T> => {
    const { exitCode, stdout, stderr } = await cli(...args, '--json');
    assert.equal(exitCode, 0, stderr);
    return JSON.parse(stdout) as T;
  };
  return { stack, cli, json, file: (name) => join(folder, name) };
}

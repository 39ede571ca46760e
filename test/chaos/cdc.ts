import type { ServiceName, Stack } from '../../infra/embedded/index.js';
import { MONGO_CONNECTOR, POSTGRES_CONNECTOR } from '../../src/core/names.js';
import { Random } from '../../src/generate/random.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { freeze } from '../../src/stream/log-positions.js';
import { waitUntil } from '../../src/wait-until.js';
import { openPipeline, PIPELINE_SERVICES } from '../support/pipeline.js';
import { select, silverBecomesRight } from '../support/silver.js';
import { SourceWriter } from '../support/source-writer.js';
import type { ChaosReport, Fault } from './report.js';

interface CdcFault extends Fault {
  /** Changes committed at the sources that bronze did not hold yet when the signal was sent. */
  readonly inFlight: number;
}

export interface CdcChaosReport extends ChaosReport {
  readonly faults: readonly CdcFault[];
}

export const CDC_SERVICES: readonly ServiceName[] = [...PIPELINE_SERVICES, 'temporal', 'worker'];

const TARGETS: readonly ServiceName[] = ['connect', 'kafka', 'clickhouse', 'worker'];

/**
 * Writes to both sources without pause and kills services with SIGKILL at seeded random moments, each while changes are
 * in flight. Afterwards silver must equal the sources, and bronze must hold every message once.
 */
export async function cdcChaos(stack: Stack, seed: number, faults: number): Promise<CdcChaosReport> {
  const pipeline = await openPipeline(stack);
  const { postgres, mongo, db, clickhouse } = pipeline;
  const random = Random.of(seed, 0);
  const startMs = Date.now();
  const done: CdcFault[] = [];
  const bronzeRows = async () => {
    const [row] = await select<{ rows: string }>(
      clickhouse,
      `SELECT (SELECT count() FROM bronze_users FINAL) + (SELECT count() FROM bronze_events FINAL WHERE NOT startsWith(event_id, '"tidemark-canary:')) AS rows`,
    );
    return Number(row?.rows ?? 0);
  };
  try {
    await silverBecomesRight(pipeline);
    const before = await bronzeRows();
    const writer = new SourceWriter(postgres, mongo, db, seed);
    const written = () => writer.userMessages + writer.eventMessages;
    writer.start();
    for (let i = 0; i < faults; i++) {
      await pause(random.int(300, 4_000));
      const target = random.pick(TARGETS);
      const inFlight = await waitUntil(
        'changes in flight',
        async () => {
          const behind = written() - ((await bronzeRows()) - before);
          return behind > 0 && behind;
        },
        { timeoutMs: 60_000, everyMs: 20 },
      );
      stack.kill(target, 'SIGKILL');
      done.push({ atMs: Date.now() - startMs, target, action: 'SIGKILL', inFlight });
      await stack.waitReady(target);
    }
    await writer.stop();
    await silverBecomesRight(pipeline, 300_000).catch(async (cause: unknown) => {
      const connectors = await Promise.all(
        [POSTGRES_CONNECTOR, MONGO_CONNECTOR].map((name) => pipeline.connect.status(name)),
      );
      const configs = await positionsOf(stack, 'connect.configs');
      throw new Error(
        `connectors: ${JSON.stringify(connectors)}; their configurations: ${configs}; ${JSON.stringify(done)}; ${String(cause)}`,
        { cause },
      );
    });
    const found = (await bronzeRows()) - before;
    const [extra] = await select<{ errors: string }>(
      clickhouse,
      'SELECT count() AS errors FROM bronze_errors',
    );
    const expected = written();
    return {
      chaos: 'cdc',
      seed,
      faults: done,
      expected,
      found,
      lost: Math.max(0, expected - found),
      doubled: Math.max(0, found - expected),
      different: Number(extra?.errors ?? 0),
      ok: expected === found,
    };
  } finally {
    await pipeline.close();
  }
}

/** Where a topic ends for readers of what is committed, and for all: a transaction that hangs keeps the first below the second. */
async function positionsOf({ config }: Stack, topic: string): Promise<string> {
  const connection = await KafkaConnection.open(config.kafka);
  try {
    return JSON.stringify(await freeze(connection, topic));
  } finally {
    await connection.close();
  }
}

/** The seeded moment of the next fault: here the clock is the point. */
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

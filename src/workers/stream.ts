import '../compile-later.js';
import { parseArgs } from 'node:util';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createCleanSliceActivities } from '../activities/clean.js';
import { createCountSliceActivities } from '../activities/count.js';
import { createProbeActivities } from '../activities/probe.js';
import { createStreamActivities } from '../activities/stream.js';
import { withFailures } from '../activities/to-failure.js';
import { reportFailure } from '../cli/report-failure.js';
import { serviceFault } from '../clients/fault.js';
import { ReplaySources } from '../activities/replay-sources.js';
import { codeVersion } from '../code-version.js';
import { dataDirectory, loadConfig, type Config } from '../config.js';
import { STREAM_QUEUE } from '../core/ids.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { workerLogger } from './logger.js';

/** Slices of stream jobs, one at a time: run one process per core. `node stream.js [--data-dir D]`; ends cleanly on SIGTERM. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'data-dir': { type: 'string' } } });
  const config = loadConfig(dataDirectory(values['data-dir'], process.env), process.env);
  Runtime.install({ logger: workerLogger() });
  const kafka = await KafkaConnection.open(config.kafka, { clientId: 'tidemark-stream' });
  try {
    await run(config, kafka);
  } finally {
    await kafka.close();
  }
}

async function run(config: Config, kafka: KafkaConnection): Promise<void> {
  const { address, namespace } = config.temporal;
  const sources = new ReplaySources(kafka, config, 'tidemark-stream');
  const connection = await NativeConnection.connect({ address }).catch((cause: unknown) => {
    throw serviceFault('temporal', 'starting a stream worker', cause);
  });
  try {
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: STREAM_QUEUE,
      activities: {
        ...withFailures(createCleanSliceActivities({ kafka, now: Date.now })),
        ...withFailures(createCountSliceActivities({ kafka, now: Date.now })),
        ...withFailures(createProbeActivities({ codeVersion: codeVersion() })),
        ...withFailures(createStreamActivities({ kafka, sources, now: Date.now })),
      },
      // A slice keeps a core busy.
      maxConcurrentActivityTaskExecutions: 1,
      // Every heartbeat is sent: an answer to one is how a lap hears that it is cancelled.
      maxHeartbeatThrottleInterval: '400ms',
      defaultHeartbeatThrottleInterval: '400ms',
      // On SIGTERM a lap is told to stop at once, and has this long for the commit under way.
      shutdownGraceTime: '1ms',
      shutdownForceTime: '15s',
    });
    await worker.run();
  } finally {
    await Promise.all([connection.close(), sources.close()]);
  }
}

main().catch(reportFailure);

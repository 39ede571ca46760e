/** A worker process for the workflows and short activities of replays alone: it needs Kafka and Temporal, nothing else. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createReplayActivities } from '../../src/activities/replay.js';
import { withFailures } from '../../src/activities/to-failure.js';
import { connectKafka } from '../../src/clients/kafka.js';
import { ReplaySources } from '../../src/activities/replay-sources.js';
import { codeVersion } from '../../src/code-version.js';
import { loadConfig } from '../../src/config.js';
import { CONTROL_QUEUE } from '../../src/core/ids.js';
import { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { BUNDLE_FILE } from './worker-process.js';
import { workerLogger } from '../../src/workers/logger.js';

const config = loadConfig('', process.env);
Runtime.install({ logger: workerLogger('warn') });
const kafka = await KafkaConnection.open(config.kafka);
const sources = new ReplaySources(kafka, config, 'tidemark-worker');
const admin = connectKafka(config).admin();
await admin.connect();
const connection = await NativeConnection.connect({ address: config.temporal.address });
const worker = await Worker.create({
  connection,
  namespace: config.temporal.namespace,
  taskQueue: CONTROL_QUEUE,
  ...workflows(),
  activities: withFailures(
    createReplayActivities({ kafka, admin, sources, now: Date.now, codeVersion: codeVersion() }),
  ),
  stickyQueueScheduleToStartTimeout: '1s',
});
await worker.run();
await Promise.all([connection.close(), sources.close(), kafka.close(), admin.disconnect()]);

/** As the test has bundled them, beside the configuration; else bundled here. */
function workflows() {
  const codePath = join(dirname(process.env.TIDEMARK_CONFIG ?? ''), BUNDLE_FILE);
  if (existsSync(codePath)) return { workflowBundle: { codePath } };
  return { workflowsPath: fileURLToPath(new URL('../../src/workflows/index.js', import.meta.url)) };
}

import { fileURLToPath } from 'node:url';
import { NativeConnection, Worker } from '@temporalio/worker';
import { createCleanActivities, createCleanSliceActivities } from '../../src/activities/clean.js';
import { createCountActivities, createCountSliceActivities } from '../../src/activities/count.js';
import { withFailures } from '../../src/activities/to-failure.js';
import { connectKafka } from '../../src/clients/kafka.js';
import type { Config } from '../../src/config.js';
import { CONTROL_QUEUE, STREAM_QUEUE } from '../../src/core/ids.js';
import type { KafkaConnection } from '../../src/stream/kafka-connection.js';

/**
 * Both workers in this process, with what counting and cleaning need: Kafka and Temporal, nothing else of the pipeline. Returns what
 * stops them.
 */
export async function startJobWorkers(config: Config, kafka: KafkaConnection): Promise<() => Promise<void>> {
  const connection = await NativeConnection.connect({ address: config.temporal.address });
  const admin = connectKafka(config).admin();
  await admin.connect();
  const deps = { kafka, admin, codeVersion: 'test', now: Date.now };
  const common = { connection, namespace: config.temporal.namespace, shutdownForceTime: '10s' as const };
  const workers = await Promise.all([
    Worker.create({
      ...common,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: fileURLToPath(new URL('../../src/workflows/index.js', import.meta.url)),
      activities: {
        ...withFailures(createCleanActivities(deps)),
        ...withFailures(createCountActivities(deps)),
      },
    }),
    Worker.create({
      ...common,
      taskQueue: STREAM_QUEUE,
      activities: {
        ...withFailures(createCleanSliceActivities(deps)),
        ...withFailures(createCountSliceActivities(deps)),
      },
      maxHeartbeatThrottleInterval: '400ms',
      defaultHeartbeatThrottleInterval: '400ms',
    }),
  ]);
  const running = Promise.all(workers.map((worker) => worker.run()));
  return async () => {
    for (const worker of workers) worker.shutdown();
    await running;
    await admin.disconnect();
    await connection.close();
  };
}

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { STACK_FILE } from '../../../src/config.js';
import { CONTROL_QUEUE, STREAM_QUEUE } from '../../../src/core/ids.js';
import { packageRoot } from '../../../src/package-root.js';
import type { PortName } from '../ports.js';
import type { Service } from '../service.js';

const entry = (file: string): string => join(packageRoot, 'dist', 'src', 'workers', file);

/** A worker is part of the stack from the day its entry exists. */
export const hasEntry = (file: string): boolean => existsSync(entry(file));

function workerService(
  name: 'worker' | 'stream',
  title: string,
  file: string,
  taskQueue: string,
  ports: readonly PortName[],
): Service {
  return {
    name,
    title,
    needs: ['temporal', 'kafka', 'clickhouse', 'postgres', 'mongo'],
    components: [],
    runNeeds: [],
    ports,
    stop: 'SIGTERM',
    stopMs: 20_000,
    prepare: () => Promise.resolve(),
    launch: ({ dataDir }) => ({
      command: process.execPath,
      args: ['--enable-source-maps', entry(file), '--data-dir', dataDir],
      env: { TIDEMARK_DATA_DIR: dataDir, TIDEMARK_CONFIG: join(dataDir, STACK_FILE) },
    }),
    /** A poller is named after its process (`pid@host`, the SDK's default): an older one's does not count. */
    async ask({ config }, pid) {
      const { address, namespace } = config.temporal;
      const connection = await Connection.connect({ address, connectTimeout: '8s' });
      try {
        const { pollers } = await connection.withDeadline(Date.now() + 5_000, () =>
          connection.workflowService.describeTaskQueue({
            namespace,
            taskQueue: { name: taskQueue },
            // TASK_QUEUE_TYPE_ACTIVITY: every worker of ours polls for activities.
            taskQueueType: 2,
          }),
        );
        if (pollers?.some((poller) => poller.identity?.startsWith(`${pid}@`))) return;
        throw new Error(`process ${pid} does not poll ${taskQueue} yet`);
      } finally {
        await connection.close();
      }
    },
    url: () => taskQueue,
  };
}

export const WORKER_ENTRY = 'control.js';
export const STREAM_ENTRY = 'stream.js';

export const worker = workerService(
  'worker',
  'worker (workflows, short activities)',
  WORKER_ENTRY,
  CONTROL_QUEUE,
  ['worker http'],
);
export const stream = workerService('stream', 'worker (stream slices)', STREAM_ENTRY, STREAM_QUEUE, []);

import { join } from 'node:path';
import { Connection } from '@temporalio/client';
import { ensureFolder, pipBinary } from '../components.js';
import type { Service } from '../service.js';

/** The official development server with its UI, on a durable file. */
export const temporal: Service = {
  name: 'temporal',
  title: 'Temporal',
  needs: [],
  components: ['temporal'],
  runNeeds: [],
  ports: ['temporal', 'temporal ui', 'temporal metrics', 'temporal http'],
  stop: 'SIGTERM',
  stopMs: 15_000,
  prepare(context) {
    ensureFolder(join(context.dataDir, 'temporal'));
    return Promise.resolve();
  },
  launch: ({ dataDir, ports, config, component }) => {
    const settings = {
      ip: '127.0.0.1',
      port: ports.temporal,
      'ui-port': ports['temporal ui'],
      'metrics-port': ports['temporal metrics'],
      'http-port': ports['temporal http'],
      namespace: config.temporal.namespace,
      'db-filename': join(dataDir, 'temporal', 'temporal.sqlite'),
      'log-level': 'warn',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    // Twice as fast, and still safe against the death of the process (not of the machine).
    const pragmas = ['journal_mode=wal', 'synchronous=1'].flatMap((pragma) => ['--sqlite-pragma', pragma]);
    // An activity of the worker that asks for it comes with the answer, instead of by way of the queue: a tenth of a gold day's cost.
    const eager = ['--dynamic-config-value', 'system.enableActivityEagerExecution=true'];
    return {
      command: pipBinary(component('temporal'), 'temporal'),
      args: ['server', 'start-dev', ...options, ...pragmas, ...eager],
    };
  },
  async ask({ config }) {
    const connection = await Connection.connect({ address: config.temporal.address, connectTimeout: '8s' });
    try {
      await connection.withDeadline(Date.now() + 5_000, () =>
        connection.workflowService.describeNamespace({ namespace: config.temporal.namespace }),
      );
    } finally {
      await connection.close();
    }
  },
  url: ({ config }) => config.temporal.uiUrl ?? config.temporal.address,
};

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { STACK_FILE } from '../../src/config.js';
import { packageRoot } from '../../src/package-root.js';
import { waitUntil } from '../../src/wait-until.js';
import type { Stack } from '../../infra/embedded/index.js';
import { Connection } from '@temporalio/client';
import { endWithParent } from './end-with-parent.js';

/** Workflows bundled by a test, beside the stack's configuration; replay-control.ts looks for it there. */
export const BUNDLE_FILE = 'workflow-bundle.js';

const QUEUE_TYPES = { workflow: 1, activity: 2 } as const;

/** A worker of the project, started beside a stack. `entry` is below `dist`; the configuration is the stack's unless another is named. */
export class WorkerProcess {
  readonly child: ChildProcess;
  #errors = '';

  constructor(stack: Stack, entry: string, configFile = join(stack.dataDir, STACK_FILE)) {
    this.child = spawn(process.execPath, ['--enable-source-maps', join(packageRoot, 'dist', entry)], {
      stdio: ['ignore', 'ignore', 'pipe'],
      env: { ...process.env, TIDEMARK_CONFIG: configFile, TIDEMARK_LOG: 'warn' },
    });
    endWithParent(this.child);
    this.child.stderr?.on('data', (chunk: Buffer) => (this.#errors += chunk.toString()));
  }

  get running(): boolean {
    return this.child.exitCode === null && this.child.signalCode === null;
  }

  /** Resolves once this very process polls the queue. */
  async polls(stack: Stack, taskQueue: string, type: keyof typeof QUEUE_TYPES): Promise<void> {
    const { address, namespace } = stack.config.temporal;
    const connection = await Connection.connect({ address });
    try {
      const isPolling = async (): Promise<boolean> => {
        if (!this.running) throw new Error(`the worker has ended: ${this.#errors}`);
        const { pollers } = await connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueue },
          taskQueueType: QUEUE_TYPES[type],
        });
        return (pollers ?? []).some(({ identity }) => identity?.startsWith(`${String(this.child.pid)}@`));
      };
      await waitUntil(`a worker of ${taskQueue}`, isPolling, { timeoutMs: 180_000 });
    } finally {
      await connection.close();
    }
  }

  async end(signal: NodeJS.Signals = 'SIGTERM'): Promise<void> {
    if (!this.running) return;
    const exited = once(this.child, 'exit');
    this.child.kill(signal);
    await exited;
  }
}

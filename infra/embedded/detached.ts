import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { PipelineError } from '../../src/core/errors.js';
import { endLeftovers } from './leftovers.js';
import { lockHolder } from './lock.js';
import { NewsSchema, type News, type Order } from './messages.js';
import { holdsWithin, isAlive, type ProcessIdentity } from './process-identity.js';
import type { ServiceName } from './service.js';
import { lockFile, logFile } from './state.js';

const MAIN = fileURLToPath(new URL('./supervisor-main.js', import.meta.url));

/** The longest chain of services that stop one after the other, and something to spare. */
const STOP_LIMIT_MS = 90_000;

/** The live supervisor of a data directory. */
export const supervisorOf = (dataDir: string): ProcessIdentity | undefined => lockHolder(lockFile(dataDir));

export interface Detached {
  /** Resolves when the stack is up. @throws PipelineError as the supervisor met it. */
  readonly up: Promise<void>;
  readonly pid: number;
}

/** Starts a supervisor that outlives us; its own output goes to `supervisor.log`. */
export function spawnSupervisor(order: Order, onNews: (news: News) => void): Detached {
  const path = logFile(order.dataDir, 'supervisor');
  mkdirSync(dirname(path), { recursive: true });
  const log = openSync(path, 'w', 0o600);
  const child = spawn(process.execPath, ['--enable-source-maps', MAIN, JSON.stringify(order)], {
    cwd: '/',
    detached: true,
    stdio: ['ignore', log, log, 'ipc'],
  });
  closeSync(log);
  const up = new Promise<void>((resolve, reject) => {
    child.on('message', (message) => {
      const news = NewsSchema.parse(message);
      onNews(news);
      if (news.kind === 'up') resolve();
      if (news.kind === 'failed') reject(new PipelineError(news.code, news.message));
    });
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      reject(
        new PipelineError(
          'START_FAILED',
          `starting the supervisor: it ended (${signal ?? code}); see ${path}`,
        ),
      );
    });
  }).finally(() => {
    if (child.connected) child.disconnect();
    child.unref();
  });
  return { up, pid: child.pid ?? 0 };
}

export interface Down {
  /** False when no supervisor ran. */
  readonly wasUp: boolean;
  /** Services a dead supervisor had left running. */
  readonly leftovers: readonly ServiceName[];
}

/** Stops what runs in a data directory, however it came to be running. Nothing to stop is no fault. */
export async function bringDown(dataDir: string): Promise<Down> {
  const supervisor = supervisorOf(dataDir);
  if (supervisor !== undefined) await endSupervisor(supervisor);
  return { wasUp: supervisor !== undefined, leftovers: await endLeftovers(dataDir) };
}

async function endSupervisor(supervisor: ProcessIdentity): Promise<void> {
  process.kill(supervisor.pid, 'SIGTERM');
  if (await holdsWithin(STOP_LIMIT_MS, () => !isAlive(supervisor))) return;
  // What it leaves behind is ended as leftovers.
  process.kill(supervisor.pid, 'SIGKILL');
  await holdsWithin(STOP_LIMIT_MS, () => !isAlive(supervisor));
}

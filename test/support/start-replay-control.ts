import { existsSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '../../infra/embedded/index.js';
import { CONTROL_QUEUE } from '../../src/core/ids.js';
import { bundleWorkflows } from './workflow-server.js';
import { BUNDLE_FILE, WorkerProcess } from './worker-process.js';

/**
 * A worker for the workflows of replays, once it polls. Bundling them takes seconds of a core: it is done once for a stack,
 * however often its worker is killed and started.
 */
export async function startReplayControl(stack: Stack, configFile?: string): Promise<WorkerProcess> {
  const file = join(stack.dataDir, BUNDLE_FILE);
  if (!existsSync(file)) {
    const { code } = await bundleWorkflows();
    writeFileSync(`${file}.new`, code);
    renameSync(`${file}.new`, file);
  }
  const control = new WorkerProcess(stack, 'test/support/replay-control.js', configFile);
  await control.polls(stack, CONTROL_QUEUE, 'workflow');
  return control;
}

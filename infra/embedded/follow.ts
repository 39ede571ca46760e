import { setTimeout as pause } from 'node:timers/promises';
import { PipelineError } from '../../src/core/errors.js';
import { supervisorOf } from './detached.js';
import { readState } from './state.js';

const LOOK_EVERY_MS = 200;

/** Waits for a stack that another process is starting. */
export async function followUntilUp(dataDir: string): Promise<void> {
  for (;;) {
    if (supervisorOf(dataDir) === undefined) {
      throw new PipelineError(
        'START_FAILED',
        `waiting for the stack in ${dataDir}: its supervisor has ended`,
      );
    }
    const services = Object.entries(readState(dataDir)?.services ?? {});
    const failed = services.find(([, { phase }]) => phase === 'failed');
    if (failed !== undefined) {
      throw new PipelineError('START_FAILED', `waiting for ${failed[0]}: ${failed[1].reason ?? 'failed'}`);
    }
    if (services.length > 0 && services.every(([, { phase }]) => phase === 'ready')) return;
    await pause(LOOK_EVERY_MS);
  }
}

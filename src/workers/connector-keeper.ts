import { setTimeout as pause } from 'node:timers/promises';
import type { Logger } from '@temporalio/worker';
import type { ConnectClient } from '../clients/connect.js';
import { RestartPolicy } from '../core/connector-restart.js';
import { PipelineError } from '../core/errors.js';
import { MONGO_CONNECTOR, POSTGRES_CONNECTOR } from '../core/names.js';

const EVERY_MS = 3_000;

/**
 * Starts tasks anew that have failed of what passes (a broker that was away for too long, a fence): Kafka Connect itself lets a
 * failed task lie. Several workers may do so at once, as starting one that runs does nothing.
 * @returns once the signal aborts.
 */
export async function keepConnectors(
  connect: Pick<ConnectClient, 'status' | 'restartFailed'>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  const kept = [POSTGRES_CONNECTOR, MONGO_CONNECTOR].map((name) => ({ name, policy: new RestartPolicy() }));
  while (!signal.aborted) {
    for (const { name, policy } of kept) {
      try {
        const status = await connect.status(name);
        if (status === undefined || !policy.isDue(status, Date.now())) continue;
        log.warn('starting what has failed of a connector anew', { connector: name });
        await connect.restartFailed(name);
      } catch (error) {
        // Asked again in a moment; that Connect is away is for the verification to say.
        const isAway = error instanceof PipelineError && error.retryable;
        log[isAway ? 'debug' : 'warn']('Kafka Connect was not asked', { connector: name, error });
      }
    }
    await pause(EVERY_MS, undefined, { signal }).catch(() => undefined);
  }
}

import { endGroup } from './process-group.js';
import { isAlive, signalGroup, type ProcessIdentity } from './process-identity.js';
import { SERVICES } from './services/index.js';
import type { ServiceName } from './service.js';
import { readState } from './state.js';

/** ClickHouse ends by itself when its supervisor's pipe closes; the rest is asked to. */
const CLEAN_END_MS = 20_000;

/**
 * Ends the services that a dead supervisor has left running: those on record, recognised by pid and start time and
 * never by name. Answers which they were.
 */
export async function endLeftovers(dataDir: string): Promise<ServiceName[]> {
  const services = Object.entries(readState(dataDir)?.services ?? {}) as [
    ServiceName,
    { process?: ProcessIdentity | undefined },
  ][];
  const running = services.flatMap(([name, { process: identity }]) =>
    identity !== undefined && isAlive(identity) ? [{ name, identity }] : [],
  );
  await Promise.all(
    running.map(async ({ name, identity }) => {
      const { stop } = SERVICES[name];
      if (stop !== 'close-stdin') signalGroup(identity.pid, stop);
      await endGroup(identity.pid, stop === 'close-stdin' ? CLEAN_END_MS : SERVICES[name].stopMs);
    }),
  );
  return running.map(({ name }) => name);
}

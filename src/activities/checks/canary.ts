import type { Finding, Json } from '../../core/verification.js';
import { flyCanary, type Flight } from '../canary/fly.js';
import { CanaryLook } from '../canary/look.js';
import { lockCanary, removeCanary } from '../canary/sources.js';
import { CANARY_CHANGES, CANARY_HOPS } from '../../core/canary.js';
import { failed, inconclusive, passed, type Check, type CheckDeps } from './check.js';

/** How long the canary may take at one hop, ms. */
const HOP_MS = 30_000;

/** A change at both sources is seen at every hop up to gold: insert, update and delete. */
export const canary: Check = {
  name: 'canary',
  hop: 'sources -> gold',
  stage: 'canary',
  // Every hop as late as it may be, and its removal.
  timeoutMs: ({ canaryTimeoutMs: hopMs = HOP_MS }) =>
    hopMs * (CANARY_CHANGES.length * CANARY_HOPS.length + 2),
  async run(deps, { options, runId, signal, progress }) {
    const unlock = await lockCanary(deps);
    if (unlock === undefined) {
      return inconclusive(
        'another canary is under way: there is one at a time',
        {},
        'verify again when the other verification is over',
      );
    }
    try {
      // What one before left behind that died.
      await removeCanary(deps);
      const look = new CanaryLook(deps.clickhouse, deps.config.clickhouse.database);
      const { canaryTimeoutMs: hopMs = HOP_MS } = options;
      const token = `canary ${runId} ${Date.now()}`;
      const flight = await flyCanary({ ...deps, look }, { token, hopMs, signal, progress });
      return judge(flight, hopMs);
    } finally {
      // Whatever happened. An error here would hide the one that led here; the next canary begins with it.
      await removeCanary(deps).catch(() => undefined);
      await unlock();
    }
  },
};

/** Removes what a canary left behind whose check was cut off. Leaves one alone that is under way: it cleans up itself. */
export async function removeLeftCanary(
  deps: Pick<CheckDeps, 'postgres' | 'mongo' | 'config'>,
): Promise<void> {
  const unlock = await lockCanary(deps);
  if (unlock === undefined) return;
  try {
    await removeCanary(deps);
  } finally {
    await unlock();
  }
}

function judge({ latencyMs, broken }: Flight, hopMs: number): Finding {
  const evidence: Record<string, Json> = {
    latencyMs,
    broken: broken.map(({ table, change, hop, from, to, reason }) => ({
      table,
      change,
      hop,
      from,
      to,
      reason,
    })),
  };
  const [first] = broken;
  if (first === undefined) {
    const slowest = Math.max(...Object.values(latencyMs));
    return passed(`the canary came through every hop, the slowest change in ${slowest} ms`, evidence);
  }
  const hops = [...new Set(broken.map(({ from, to }) => `from ${from} to ${to}`))];
  const reasons = [...new Set(broken.flatMap(({ reason }) => reason ?? []))];
  const why = reasons.length === 0 ? '' : ` (${reasons.join('; ')})`;
  return {
    ...failed(
      `the canary's ${first.change} did not get ${hops.join(', nor ')} within ${hopMs / 1_000} s${why}`,
      evidence,
      broken.map(({ next }) => next).join('; '),
    ),
    hop: [...new Set(broken.map(({ way }) => way))].join(', '),
  };
}

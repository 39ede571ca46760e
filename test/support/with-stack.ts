import { mkdtempSync, rmSync } from 'node:fs';
import { constants, tmpdir } from 'node:os';
import { join } from 'node:path';
import { startStack, type ServiceName, type Stack } from '../../infra/embedded/index.js';
import { takeBase } from './take-base.js';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/**
 * A stack of its own for a program that is no test: in a temporary folder, and gone when `use` has ended, also when it ended
 * by Ctrl-C or SIGTERM. The services are in process groups of their own, so no signal of a terminal ends them.
 * @returns what `use` returns; a signal ends the process, as a shell would report it.
 */
export async function withStack<T>(
  services: readonly ServiceName[],
  use: (stack: Stack) => Promise<T>,
): Promise<T> {
  const dataDir = mkdtempSync(join(tmpdir(), 'tidemark-run-'));
  const interrupted = new AbortController();
  const onSignal = (signal: NodeJS.Signals): void => {
    interrupted.abort(signal);
  };
  for (const signal of SIGNALS) process.on(signal, onSignal);
  try {
    const stack = await startStack({ dataDir, portBase: await takeBase(), services });
    try {
      return await Promise.race([use(stack), aborted(interrupted.signal)]);
    } finally {
      await stack.stop();
    }
  } finally {
    for (const signal of SIGNALS) process.off(signal, onSignal);
    rmSync(dataDir, { recursive: true, force: true });
    if (interrupted.signal.aborted) {
      // What `use` still has under way fails on the services that are gone: nobody waits for it.
      process.exit(128 + constants.signals[interrupted.signal.reason as NodeJS.Signals]);
    }
  }
}

function aborted(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const end = (): void => {
      reject(new Error(`interrupted by ${String(signal.reason)}`));
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  });
}

import type { Supervisor } from './supervisor.js';

/** Stops the stack at the first SIGTERM or SIGINT; resolves when nothing of it runs any more. */
export function untilSignalled(supervisor: Supervisor): Promise<void> {
  return new Promise((resolve, reject) => {
    const stop = (): void => {
      supervisor.stop().then(resolve, reject);
    };
    for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, stop);
  });
}

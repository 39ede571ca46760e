import { setTimeout as pause } from 'node:timers/promises';
import { PipelineError } from './core/errors.js';

export interface WaitOptions {
  /** How long to go on asking, milliseconds. */
  readonly timeoutMs: number;
  /** Pause between two questions, milliseconds. */
  readonly everyMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Asks until the answer is neither undefined nor false, and returns it. A question that throws ends the wait.
 * @throws PipelineError `WAITED_TOO_LONG`, retryable, naming `what` was waited for.
 */
export async function waitUntil<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  { timeoutMs, everyMs = 100, signal }: WaitOptions,
): Promise<T> {
  const endMs = performance.now() + timeoutMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() >= endMs) {
      throw new PipelineError(
        'WAITED_TOO_LONG',
        `waiting for ${what}: not within ${Math.round(timeoutMs / 1000)} s`,
        {
          retryable: true,
        },
      );
    }
    await pause(everyMs, undefined, { signal });
  }
}

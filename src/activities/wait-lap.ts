import { setTimeout as delay } from 'node:timers/promises';
import { Context } from '@temporalio/activity';
import type { Lap } from '../messages.js';

/** How often a wait asks again, ms: a barrier is a matter of seconds, and the questions are cheap. */
const ASK_EVERY_MS = 250;

/** Asks until the answer passes or `waitMs` are over, and heartbeats what it waits for. Ends when the activity is cancelled. */
export async function waitLap<T>(waitMs: number, ask: () => Promise<Lap<T>>): Promise<Lap<T>> {
  const context = Context.current();
  const untilMs = Date.now() + waitMs;
  for (;;) {
    const lap = await ask();
    if (lap.passed || Date.now() >= untilMs) return lap;
    context.heartbeat(lap.waitingFor);
    await delay(ASK_EVERY_MS, undefined, { signal: context.cancellationSignal });
  }
}

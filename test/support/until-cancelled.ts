import { CancelledFailure, Context } from '@temporalio/activity';

/** Only an activity that heartbeats is told that it is cancelled. */
const HEARTBEAT_MS = 50;

/** Ends when the activity is told that it is cancelled. @throws CancelledFailure */
export async function cancelled(): Promise<never> {
  const context = Context.current();
  const heartbeat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(heartbeat);
  }
}

/** Resolves then, for an activity that ends well when it is cancelled. */
export async function untilCancelled(): Promise<void> {
  await cancelled().catch((error: unknown) => {
    if (!(error instanceof CancelledFailure)) throw error;
  });
}

import { ActivityFailure, ApplicationFailure, TemporalFailure, TimeoutFailure } from '@temporalio/workflow';
import { PipelineError } from '../core/errors.js';

export interface Fault {
  readonly code: string;
  readonly message: string;
}

/** Code and line of whatever ended a step: the activity's own fault, not Temporal's wrapping of it. */
export function faultOf(error: unknown): Fault {
  if (error instanceof ActivityFailure && error.cause !== undefined) {
    if (error.cause instanceof TimeoutFailure) {
      // What made the last of its tries fail says more than that the time was up.
      if (error.cause.cause !== undefined) return faultOf(error.cause.cause);
      const message = `${error.activityType}: not done in time (${error.cause.timeoutType}), is a worker running?`;
      return { code: 'TIMEOUT', message };
    }
    return faultOf(error.cause);
  }
  if (error instanceof ApplicationFailure)
    return { code: error.type ?? 'UNFORESEEN', message: error.message };
  if (error instanceof PipelineError) return { code: error.code, message: error.message };
  if (error instanceof TemporalFailure) return { code: 'CANCELLED', message: error.message };
  // A bug: let the workflow task fail, so that a mended worker goes on from here.
  throw error;
}

/** Ends a workflow with a fault: its client sees the code as the failure's type. */
export const failed = ({ code, message }: Fault, details: unknown[] = []): ApplicationFailure =>
  ApplicationFailure.nonRetryable(message, code, ...details);

import { ServiceError, WorkflowFailedError, WorkflowUpdateFailedError } from '@temporalio/client';
import { ApplicationFailure, CancelledFailure, TerminatedFailure, TimeoutFailure } from '@temporalio/common';
import { PipelineError } from '../core/errors.js';

/** What ended a workflow or a call to Temporal, as our one error; `doing` reads "gerund and thing". */
export function fromTemporal(doing: string, error: unknown): PipelineError {
  if (error instanceof PipelineError) return error;
  if (error instanceof WorkflowFailedError || error instanceof WorkflowUpdateFailedError) {
    return ended(doing, error.cause);
  }
  if (error instanceof ServiceError) {
    return new PipelineError('TEMPORAL_FAILED', `${doing}: Temporal says ${grpcLine(error)}`, {
      retryable: true,
      at: { service: 'temporal' },
      cause: error,
    });
  }
  throw error;
}

function ended(doing: string, cause: unknown): PipelineError {
  // A workflow's own fault already says what it was doing.
  if (cause instanceof ApplicationFailure) {
    return new PipelineError(cause.type ?? 'WORKFLOW_FAILED', cause.message, { cause });
  }
  const how =
    cause instanceof CancelledFailure
      ? 'cancelled'
      : cause instanceof TerminatedFailure
        ? 'terminated'
        : cause instanceof TimeoutFailure
          ? 'timed out'
          : 'failed';
  return new PipelineError('WORKFLOW_ENDED', `${doing}: the workflow was ${how}`, { cause });
}

function grpcLine(error: ServiceError): string {
  const { cause } = error;
  const details = cause instanceof Error && 'details' in cause ? String(cause.details) : '';
  return details || error.message;
}

import { ApplicationFailure, TemporalFailure } from '@temporalio/common';
import { PipelineError } from '../core/errors.js';

/**
 * The one place where a fault becomes Temporal's. The cause stays behind: workflow history holds no foreign message,
 * which may quote a row or a secret.
 */
export function toFailure(error: unknown): unknown {
  // Temporal's own: cancellation above all.
  if (error instanceof TemporalFailure) return error;
  if (error instanceof PipelineError) {
    return ApplicationFailure.create({
      type: error.code,
      message: error.message,
      nonRetryable: !error.retryable,
      details: [error.at],
    });
  }
  // Neither foreseen nor translated: a bug, which another attempt meets again. The stack is ours, the message may not be.
  const failure = ApplicationFailure.nonRetryable(`meeting an unforeseen ${nameOf(error)}`, 'UNFORESEEN');
  const frames =
    error instanceof Error ? (error.stack ?? '').split('\n').filter((line) => /^\s+at /.test(line)) : [];
  failure.stack = [failure.message, ...frames].join('\n');
  return failure;
}

const nameOf = (error: unknown): string => (error instanceof Error ? error.name : typeof error);

type Activity = (input: never) => Promise<unknown>;

/** A set of activities whose faults are Temporal's. */
export function withFailures<T extends Record<keyof T, Activity>>(activities: T): T {
  const wrapped = Object.entries<Activity>(activities).map(([name, activity]) => [
    name,
    async (input: never) => {
      try {
        return await activity(input);
      } catch (error) {
        throw toFailure(error);
      }
    },
  ]);
  return Object.fromEntries(wrapped) as T;
}

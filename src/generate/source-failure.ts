import { MongoError, MongoServerSelectionError } from 'mongodb';
import { PipelineError } from '../core/errors.js';

/** What people can do something about, by the code PostgreSQL or the operating system gives it. */
const REASONS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nothing listens there; is the stack up? (tidemark status)',
  ENOTFOUND: 'there is no such host',
  EHOSTUNREACH: 'the host cannot be reached',
  ETIMEDOUT: 'the host does not answer',
  '28P01': 'the password is wrong',
  '28000': 'this user may not sign in',
  '3D000': 'there is no such database',
  '42P01': 'the table is not there; create it with: tidemark migrate',
  '42501': 'this user may not write there',
  '23505': 'rows of this seed are there already; --replace deletes them first',
  E11000: 'events of this seed are there already; --replace deletes them first',
};

/** MongoDB's number of the error. */
const DUPLICATE_KEY = 11_000;

/** One clear line for a fault of a source, without any row's value; our own errors stay as they are. */
export function sourceFailure(service: 'PostgreSQL' | 'MongoDB', what: string, error: unknown): Error {
  if (error instanceof PipelineError || !(error instanceof Error)) return error as Error;
  const reason = REASONS[codeOf(error)] ?? unnamed(error);
  return new PipelineError('SOURCE_FAILED', `${what}: ${service}: ${reason}`, {
    cause: error,
    at: { service },
  });
}

/** An AggregateError (one attempt per address of a host name) hides the code in its first error. */
function codeOf(error: Error): string {
  const first: unknown = error instanceof AggregateError ? error.errors[0] : error;
  const { code } = first as { code?: unknown };
  if (code === DUPLICATE_KEY) return `E${DUPLICATE_KEY}`;
  return typeof code === 'string' ? code : '';
}

function unnamed(error: Error): string {
  if (error instanceof MongoServerSelectionError)
    return 'no server answers; is the stack up? (tidemark status)';
  if (error instanceof MongoError) {
    // A server's message may quote the document that it refused.
    return `${error.name}${typeof error.code === 'number' ? ` ${error.code}` : ''}`;
  }
  return codeOf(error) === '' ? error.message : `error ${codeOf(error)}`;
}

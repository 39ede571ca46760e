import { PipelineError } from '../core/errors.js';
import { errorColours } from './colours.js';

/** One clear line and a non-zero exit; the stack trace only for who asks (TIDEMARK_DEBUG=1). */
export function reportFailure(error: unknown): void {
  console.error(`${errorColours.red('tidemark:')} ${describeFailure(error)}`);
  if (process.env.TIDEMARK_DEBUG === '1') console.error(error);
  process.exitCode = 1;
}

/** Our own errors are written to be read; of others', which may go on for pages, the first line. */
export function describeFailure(error: unknown): string {
  if (error instanceof PipelineError) return `${error.message} (${error.code})`;
  if (!(error instanceof Error)) return String(error);
  const [line = ''] = error.message.trim().split('\n');
  // An AggregateError of several addresses tried has a code and no message.
  return line || String((error as NodeJS.ErrnoException).code ?? error.name);
}

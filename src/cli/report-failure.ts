import pc from 'picocolors';
import { PipelineError } from '../core/errors.js';

/** One clear line and a non-zero exit; the stack trace only for who asks (TIDEMARK_DEBUG=1). */
export function reportFailure(error: unknown): void {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof PipelineError ? ` (${error.code})` : '';
  console.error(`${pc.red('tidemark:')} ${message}${code}`);
  if (process.env.TIDEMARK_DEBUG === '1') console.error(error);
  process.exitCode = 1;
}

import type { Logger, LogMetadata } from '@temporalio/worker';
import { pino } from 'pino';

/** JSON lines on standard output, for the worker and for what workflows log. Level by TIDEMARK_LOG (default info). */
export function workerLogger(level = process.env.TIDEMARK_LOG ?? 'info'): Logger {
  const log = pino({ level, base: { pid: process.pid }, timestamp: pino.stdTimeFunctions.isoTime });
  const at =
    (severity: 'trace' | 'debug' | 'info' | 'warn' | 'error') =>
    (message: string, meta?: LogMetadata): void =>
      log[severity](meta ?? {}, message);
  return {
    log: (severity, message, meta) => at(LEVEL[severity] ?? 'info')(message, meta),
    trace: at('trace'),
    debug: at('debug'),
    info: at('info'),
    warn: at('warn'),
    error: at('error'),
  };
}

const LEVEL: Record<string, 'trace' | 'debug' | 'info' | 'warn' | 'error'> = {
  TRACE: 'trace',
  DEBUG: 'debug',
  INFO: 'info',
  WARN: 'warn',
  ERROR: 'error',
};

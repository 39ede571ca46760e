import cliProgress from 'cli-progress';
import type { ReplayClient } from '../client/replay.js';
import { PipelineError } from '../core/errors.js';

/** How often a replay is asked how far it is, ms. */
const ASK_EVERY_MS = 1_000;

/** A progress bar on a terminal until `end`; nothing elsewhere. */
export function watchReplay(client: ReplayClient, job: string): { end(): void } {
  if (!process.stderr.isTTY) return { end: () => undefined };
  const bar = new cliProgress.SingleBar({
    format:
      '{state} [{bar}] {percentage}% of {total} offsets, {rate} records/s, {eta_formatted} to go {fault}',
    stream: process.stderr,
    hideCursor: true,
  });
  bar.start(1, 0, { state: 'planning', rate: '-', fault: '' });
  const timer = setInterval(() => {
    client
      .status(job)
      .then(({ state, done, total, recordsPerSecond, fault }) => {
        bar.setTotal(Math.max(1, Number(total)));
        bar.update(Number(done), { state, rate: recordsPerSecond ?? '-', fault: fault ?? '' });
      })
      .catch((error: unknown) => {
        // Not planned yet, or a service is away for a moment: the replay itself says how it ends.
        if (!(error instanceof PipelineError)) throw error;
      });
  }, ASK_EVERY_MS);
  return {
    end: () => {
      clearInterval(timer);
      bar.stop();
    },
  };
}

import { Context } from '@temporalio/activity';
import { serviceFault } from '../clients/fault.js';
import type { JobReport } from '../messages.js';
import type { JobLapDeps } from '../stream/job-lap.js';
import type { KafkaConnection } from '../stream/kafka-connection.js';

/** Heartbeats of a lap, ms: it tells how far it is, and is told that it was cancelled. */
const HEARTBEAT_MS = 1_000;

/** Heartbeats the newest report, and the same again while nothing is committed. */
export async function inLap(
  kafka: KafkaConnection,
  now: () => number,
  doing: string,
  lap: (deps: JobLapDeps) => Promise<JobReport>,
): Promise<JobReport> {
  const context = Context.current();
  let newest: JobReport | undefined;
  const beat = setInterval(() => context.heartbeat(newest), HEARTBEAT_MS);
  try {
    return await askingKafka(doing, () =>
      lap({
        kafka,
        now,
        signal: context.cancellationSignal,
        report: (report) => {
          newest = report;
          context.heartbeat(report);
        },
      }),
    );
  } finally {
    clearInterval(beat);
  }
}

/** @throws PipelineError that names Kafka where it did not answer. */
export async function askingKafka<T>(doing: string, ask: () => Promise<T>): Promise<T> {
  try {
    return await ask();
  } catch (cause) {
    throw serviceFault('kafka', doing, cause);
  }
}

/**
 * A process that runs one part of a job until it is finished, as a worker's activity does, and says on stdout what it is
 * doing.
 */
import { writeSync } from 'node:fs';
import { PipelineError } from '../../../src/core/errors.js';
import type { JobReport } from '../../../src/messages.js';
import { cleanMergeLap, cleanSliceLap } from '../../../src/stream/clean/lap.js';
import { countMergeLap, countSliceLap } from '../../../src/stream/count/lap.js';
import type { JobLapDeps } from '../../../src/stream/job-lap.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import type { KafkaRequest } from '../../../src/stream/requests.js';
import { EXIT, type JobOrder } from './order.js';

// Synchronous, so that what the parent reads is what has happened.
const say = (event: object): void => void writeSync(1, `${JSON.stringify(event)}\n`);

const { kafka: config, job, part, ends, limits } = JSON.parse(process.argv[2] ?? '') as JobOrder;
const kafka = telling(await KafkaConnection.open(config));
try {
  const deps = {
    kafka,
    now: Date.now,
    signal: new AbortController().signal,
    report: () => say({ event: 'commit' }),
  };
  const report = await lap(deps);
  say({ event: 'ended', finished: report.finished, counts: report.counts });
  process.exitCode = EXIT.finished;
} catch (error) {
  if (!(error instanceof PipelineError) || !error.retryable) throw error;
  say({ event: 'failed', code: error.code });
  process.exitCode = EXIT.again;
} finally {
  await kafka.close();
}

async function lap(deps: JobLapDeps): Promise<JobReport> {
  switch (job.kind) {
    case 'count':
      return part === 'merge'
        ? countMergeLap(deps, job.plan, ends, limits)
        : countSliceLap(deps, job.plan, part, limits);
    case 'clean':
      return part === 'merge'
        ? cleanMergeLap(deps, job.plan, ends, limits)
        : cleanSliceLap(deps, job.plan, part, limits);
  }
}

/** Says which request leaves, but for the reading ones. */
function telling(inner: KafkaConnection): KafkaConnection {
  const send = inner.send.bind(inner);
  inner.send = async <T>(nodeId: number, request: KafkaRequest<T>): Promise<T> => {
    if (request.apiName !== 'Fetch') say({ event: request.apiName });
    return send(nodeId, request);
  };
  return inner;
}

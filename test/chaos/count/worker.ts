/**
 * A process that runs one part of a count until it is finished, as a worker's activity does, and says on stdout what it is
 * doing.
 */
import { writeSync } from 'node:fs';
import { PipelineError } from '../../../src/core/errors.js';
import { countMergeLap, countSliceLap } from '../../../src/stream/count/lap.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import type { KafkaRequest } from '../../../src/stream/requests.js';
import { EXIT, type CountOrder } from './order.js';

// Synchronous, so that what the parent reads is what has happened.
const say = (event: object): void => void writeSync(1, `${JSON.stringify(event)}\n`);

const { kafka: config, plan, part, ends, limits } = JSON.parse(process.argv[2] ?? '') as CountOrder;
const kafka = telling(await KafkaConnection.open(config));
try {
  const deps = {
    kafka,
    now: Date.now,
    signal: new AbortController().signal,
    report: () => say({ event: 'commit' }),
  };
  const report =
    part === 'merge'
      ? await countMergeLap(deps, plan, ends, limits)
      : await countSliceLap(deps, plan, part, limits);
  say({ event: 'ended', finished: report.finished, counts: report.counts });
  process.exitCode = EXIT.finished;
} catch (error) {
  if (!(error instanceof PipelineError) || !error.retryable) throw error;
  say({ event: 'failed', code: error.code });
  process.exitCode = EXIT.again;
} finally {
  await kafka.close();
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

/**
 * A process that runs one slice until it is finished, as a stream worker's activity does, and says on stdout what it is
 * doing. It may stop itself (SIGSTOP) before a chosen request leaves: a stalled owner that wakes up later.
 */
import { writeSync } from 'node:fs';
import { PipelineError } from '../../../src/core/errors.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { ReplayProcessor } from '../../../src/stream/processors/replay.js';
import type { KafkaRequest } from '../../../src/stream/requests.js';
import { DEFAULT_LIMITS, runSlice } from '../../../src/stream/run-slice.js';
import { EXIT, type WorkerOrder } from './order.js';
import { WINDOW } from './records.js';

// Synchronous, so that what the parent reads is what has happened.
const say = (event: object): void => void writeSync(1, `${JSON.stringify(event)}\n`);

const order = JSON.parse(process.argv[2] ?? '') as WorkerOrder;
const connection = watched(await KafkaConnection.open(order.kafka), order);
try {
  const processor = new ReplayProcessor({
    job: 'chaos',
    source: order.source,
    target: order.target,
    selection: { window: WINDOW },
    timestamps: 'keep',
    now: Date.now,
  });
  const result = await runSlice(
    order.slice,
    { ...DEFAULT_LIMITS, commitRecords: order.commitRecords },
    {
      source: connection,
      target: connection,
      processor,
      now: Date.now,
      report: ({ lap }) => {
        say({ event: 'commit', transactions: lap.transactions });
      },
      signal: new AbortController().signal,
    },
  );
  say({ event: result.outcome });
  process.exitCode = EXIT.finished;
} catch (error) {
  if (!(error instanceof PipelineError) || !error.retryable) throw error;
  say({ event: 'failed', code: error.code });
  process.exitCode = error.code === 'FENCED' ? EXIT.fenced : EXIT.again;
} finally {
  await connection.close();
}

function watched(inner: KafkaConnection, { stopBefore }: WorkerOrder): KafkaConnection {
  const sent = new Map<string, number>();
  const send = inner.send.bind(inner);
  inner.send = async <T>(nodeId: number, request: KafkaRequest<T>): Promise<T> => {
    const nth = (sent.get(request.apiName) ?? 0) + 1;
    sent.set(request.apiName, nth);
    if (stopBefore?.apiName === request.apiName && stopBefore.nth === nth) {
      say({ event: 'stopped', before: request.apiName });
      process.kill(process.pid, 'SIGSTOP');
    }
    if (request.apiName !== 'Fetch') say({ event: 'request', apiName: request.apiName });
    return send(nodeId, request);
  };
  return inner;
}

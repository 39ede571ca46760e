import { clientSettings, JavaProgram } from './java.js';
import type { Copied, CopyOrder } from './order.js';

/**
 * Java's consumer by Kafka's own measure. It starts a consumer group first; of its figures we take the one that leaves that out
 * (fetch.nMsg.sec).
 */
export async function consumerPerformance({ kafka, slice }: CopyOrder): Promise<Copied> {
  const { topic, ranges } = slice.source;
  const records = ranges.reduce((sum, { startOffset, endOffset = 0 }) => sum + endOffset - startOffset, 0);
  const program = await JavaProgram.start(
    'org.apache.kafka.tools.ConsumerPerformance',
    clientSettings(kafka),
    (file) => [
      ...['--bootstrap-server', kafka.brokers.join(','), '--command-config', file],
      ...['--topic', topic, '--group', slice.transactionalId],
      ...['--num-records', String(records), '--timeout', '60000', '--hide-header'],
    ],
  );
  try {
    await program.ended();
    // start, end, MB, MB/s, records, records/s, rebalance ms, fetch ms, fetch MB/s, fetch records/s
    const line = program
      .printed()
      .split('\n')
      .find((text) => text.split(',').length === 10);
    const fields = line?.split(',').map((field) => field.trim()) ?? [];
    const [read, elapsedMs] = [Number(fields[4]), Number(fields[7])];
    if (!(read > 0 && elapsedMs > 0))
      throw new Error(`ConsumerPerformance said ${program.printed().slice(-500)}`);
    return { read, written: 0, elapsedMs, ...program.usage() };
  } finally {
    await program.close();
  }
}

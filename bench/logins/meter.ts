import type { KafkaConnection } from '../../src/stream/kafka-connection.js';
import { LogReader } from '../../src/stream/log-reader.js';

/** Every so many records one is kept: a few ten thousand of millions say where the percentiles are. */
const EVERY = 50;

/** A read_committed reader of clean records that notes how long after its message's time of arrival each has come. */
export class CleanMeter {
  readonly lagsMs: number[] = [];
  records = 0;
  /** Of all records, also those not kept. */
  maxMs = 0;
  readonly #reader: LogReader;
  readonly #fromMs: number;
  #stopped = false;

  /** What arrived before `fromMs` is not measured. */
  constructor(connection: KafkaConnection, topic: string, partitions: number, fromMs: number) {
    const ranges = Array.from({ length: partitions }, (_, partition) => ({ partition, startOffset: 0 }));
    this.#reader = new LogReader(connection, topic, ranges, { maxWaitMs: 20 });
    this.#fromMs = fromMs;
  }

  async run(): Promise<void> {
    while (!this.#stopped) {
      const events = (await this.#reader.read()) ?? [];
      const nowMs = Date.now();
      for (const event of events) {
        if (event.kind === 'gap') throw new Error('the clean topic has lost records');
        for (const batch of event.batches()) {
          const cursor = batch.records(event.startOffset, event.endOffset);
          while (cursor.next()) {
            this.records++;
            if (cursor.timestampMs < this.#fromMs) continue;
            const lagMs = nowMs - cursor.timestampMs;
            this.maxMs = Math.max(this.maxMs, lagMs);
            if (this.records % EVERY === 0) this.lagsMs.push(lagMs);
          }
        }
      }
    }
  }

  stop(): void {
    this.#stopped = true;
  }
}

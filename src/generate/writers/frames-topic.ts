import type { Compression } from '../../stream/compression.js';
import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { TopicWriter } from './topic.js';

const NEWLINE = 0x0a;

/** Writes lines as records, the n-th line to partition n mod the number of partitions: a run is the same on every machine. */
export class FramesTopicWriter {
  readonly #writer: TopicWriter;
  readonly #now: () => number;
  #lines = 0;

  private constructor(writer: TopicWriter, now: () => number) {
    this.#writer = writer;
    this.#now = now;
  }

  /** @throws PipelineError `KAFKA_UNKNOWN_TOPIC_OR_PARTITION` when there is no such topic. */
  static async open(
    connection: KafkaConnection,
    topic: string,
    now: () => number,
    compression?: Compression,
  ): Promise<FramesTopicWriter> {
    return new FramesTopicWriter(await TopicWriter.open(connection, topic, compression), now);
  }

  /** Writes whole lines; their bytes are used up when this resolves. */
  async write(lines: Buffer): Promise<void> {
    const timestampMs = this.#now();
    for (let start = 0, end = lines.indexOf(NEWLINE); end >= 0; end = lines.indexOf(NEWLINE, start)) {
      const partition = this.#lines++ % this.#writer.partitions;
      const full = this.#writer.addValue(partition, timestampMs, lines, start, end);
      if (full !== undefined) await full;
      start = end + 1;
    }
  }

  /** Resolves when the brokers have everything so far. */
  flush(): Promise<void> {
    return this.#writer.flush();
  }
}

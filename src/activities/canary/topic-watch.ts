import { setTimeout as pause } from 'node:timers/promises';
import type { KafkaConnection } from '../../stream/kafka-connection.js';
import { freeze } from '../../stream/log-positions.js';
import { LogReader } from '../../stream/log-reader.js';

/** A change event of the canary, where the topic has it. */
export interface Sighting {
  readonly op: string;
  /** The whole value, to look for a token in. */
  readonly value: string;
  readonly partition: number;
  readonly offset: number;
  /** `performance.now()` of this process when it was read. */
  readonly seenMs: number;
}

const ASK_EVERY_MS = 10;

/** Follows a topic from its end on and keeps what concerns one key. Reads what others write there meanwhile, and drops it. */
export class TopicWatch {
  readonly #sightings: Sighting[] = [];
  readonly #reading: Promise<void>;
  #stopped = false;
  #error: Error | undefined;

  private constructor(reader: LogReader, marker: Buffer) {
    this.#reading = this.#follow(reader, marker).catch((error: unknown) => {
      this.#error = error instanceof Error ? error : new Error('reading a topic', { cause: error });
    });
  }

  /** @param marker bytes of the key, by which it is told. */
  static async open(kafka: KafkaConnection, topic: string, marker: string): Promise<TopicWatch> {
    const { partitions, topicId } = await freeze(kafka, topic);
    const ranges = partitions.map(({ partition, highWatermark }) => ({
      partition,
      startOffset: highWatermark,
    }));
    return new TopicWatch(
      new LogReader(kafka, topic, ranges, { topicId, maxWaitMs: 100 }),
      Buffer.from(marker),
    );
  }

  /** The first that `isWanted`; undefined when there is none by `untilMs` (of `performance.now()`). */
  async find(
    isWanted: (sighting: Sighting) => boolean,
    untilMs: number,
    signal: AbortSignal,
  ): Promise<Sighting | undefined> {
    for (;;) {
      const found = this.#sightings.find(isWanted);
      if (found !== undefined) return found;
      if (this.#error !== undefined) throw this.#error;
      if (performance.now() >= untilMs) return undefined;
      await pause(ASK_EVERY_MS, undefined, { signal });
    }
  }

  async close(): Promise<void> {
    this.#stopped = true;
    await this.#reading;
  }

  async #follow(reader: LogReader, marker: Buffer): Promise<void> {
    while (!this.#stopped) {
      const events = (await reader.read()) ?? [];
      for (const event of events) {
        if (event.kind === 'gap') continue;
        for (const batch of event.batches()) {
          const cursor = batch.records(event.startOffset, event.endOffset);
          while (cursor.next()) {
            if (cursor.key()?.includes(marker) !== true) continue;
            const value = cursor.value()?.toString('utf8');
            if (value === undefined) continue;
            const op = opOf(value);
            const { offset } = cursor;
            this.#sightings.push({
              op,
              value,
              partition: event.partition,
              offset,
              seenMs: performance.now(),
            });
          }
        }
      }
    }
  }
}

function opOf(value: string): string {
  try {
    const { op } = JSON.parse(value) as { op?: unknown };
    return typeof op === 'string' ? op : '';
  } catch {
    // Not a change event: it is nobody's.
    return '';
  }
}

import { serviceFault } from '../clients/fault.js';
import { connectKafka } from '../clients/kafka.js';
import { loginRemedy } from '../core/logins/remedy.js';
import type { DeadLetterList, RedriveInput, RedriveReport, ShownDeadLetter } from '../messages.js';
import { listDeadLetters, showDeadLetter } from '../stream/dead-letters/look.js';
import { dryRunRedrive, redriveDeadLetters, type RedriveDeps } from '../stream/dead-letters/redrive.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import type { ClientConnections } from './connections.js';

const CLIENT_ID = 'tidemark-client';

export type RedriveRun = Pick<RedriveDeps, 'signal' | 'report'>;

/** `tidemark.deadLetters`: what stream jobs could not use. Everything here is done in this process and needs no worker. */
export class DeadLetterClient {
  readonly #connections: ClientConnections;

  constructor(connections: ClientConnections) {
    this.#connections = connections;
  }

  /** @throws PipelineError `TOPIC_MISSING`. */
  list(topic: string): Promise<DeadLetterList> {
    return this.#withKafka(`reading ${topic}`, (kafka) => listDeadLetters(kafka, topic));
  }

  /** @throws PipelineError `TOPIC_MISSING`, `NO_LETTER`. */
  show(topic: string, partition: number, offset: number): Promise<ShownDeadLetter> {
    return this.#withKafka(`reading ${topic}`, (kafka) =>
      showDeadLetter(kafka, { topic, partition, offset }, loginRemedy()),
    );
  }

  /** What a redrive would do by today's rules; writes nothing. @throws PipelineError `TOPIC_MISSING`, `BAD_OPTIONS`. */
  dryRun(input: RedriveInput): Promise<RedriveReport> {
    return this.#withKafka(`trying the letters of ${input.topic}`, (kafka) =>
      dryRunRedrive({ kafka, remedy: loginRemedy() }, input),
    );
  }

  /**
   * Writes every letter that passes today's rules to where it belongs, exactly once: letters and the note that they were
   * redriven are one Kafka transaction. Ended at any moment it goes on when it is called again.
   * @throws PipelineError `TOPIC_MISSING`, `BAD_OPTIONS`, `FENCED` (another one took over).
   */
  redrive(input: RedriveInput, run: RedriveRun = {}): Promise<RedriveReport> {
    return this.#withKafka(`redriving ${input.topic}`, async (kafka) => {
      const admin = connectKafka(this.#connections.config, CLIENT_ID).admin();
      try {
        await admin.connect();
        const deps = { kafka, admin, now: Date.now, remedy: loginRemedy(), ...run };
        return await redriveDeadLetters(deps, input);
      } finally {
        await admin.disconnect();
      }
    });
  }

  async #withKafka<T>(doing: string, use: (kafka: KafkaConnection) => Promise<T>): Promise<T> {
    let kafka: KafkaConnection | undefined;
    try {
      kafka = await KafkaConnection.open(this.#connections.config.kafka, { clientId: CLIENT_ID });
      return await use(kafka);
    } catch (cause) {
      throw serviceFault('kafka', doing, cause);
    } finally {
      await kafka?.close();
    }
  }
}

import { serviceFault } from '../clients/fault.js';
import { withKafkaAdmin } from '../clients/kafka.js';
import type { DeadLetterList, RedriveReport, ShownDeadLetter } from '../messages.js';
import { deadLetterJob, type AskedLetters, type DeadLetterJob } from '../stream/dead-letters/job.js';
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
  list(asked: AskedLetters = {}): Promise<DeadLetterList> {
    return this.#withLetters('listing', asked, (kafka, { input }) => listDeadLetters(kafka, input.topic));
  }

  /** @throws PipelineError `TOPIC_MISSING`, `NO_LETTER`. */
  show(partition: number, offset: number, asked: AskedLetters = {}): Promise<ShownDeadLetter> {
    return this.#withLetters('showing one of', asked, (kafka, { input: { topic }, remedy }) =>
      showDeadLetter(kafka, { topic, partition, offset }, remedy),
    );
  }

  /** What a redrive would do by today's rules; writes nothing. @throws PipelineError `TOPIC_MISSING`, `BAD_OPTIONS`. */
  dryRun(asked: AskedLetters = {}): Promise<RedriveReport> {
    return this.#withLetters('trying', asked, (kafka, { input, remedy }) =>
      dryRunRedrive({ kafka, remedy }, input),
    );
  }

  /**
   * Writes every letter that passes today's rules to where it belongs, exactly once: letters and the note that they were
   * redriven are one Kafka transaction. Ended at any moment it goes on when it is called again.
   * @throws PipelineError `TOPIC_MISSING`, `BAD_OPTIONS`, `FENCED` (another one took over).
   */
  redrive(asked: AskedLetters = {}, run: RedriveRun = {}): Promise<RedriveReport> {
    return this.#withLetters('redriving', asked, (kafka, { input, remedy }) =>
      withKafkaAdmin(this.#connections.config, CLIENT_ID, (admin) =>
        redriveDeadLetters({ kafka, admin, now: Date.now, remedy, ...run }, input),
      ),
    );
  }

  async #withLetters<T>(
    doing: string,
    asked: AskedLetters,
    use: (kafka: KafkaConnection, job: DeadLetterJob) => Promise<T>,
  ): Promise<T> {
    let kafka: KafkaConnection | undefined;
    try {
      kafka = await KafkaConnection.open(this.#connections.config.kafka, { clientId: CLIENT_ID });
      return await use(kafka, await deadLetterJob(kafka, Date.now, asked));
    } catch (cause) {
      throw serviceFault('kafka', `${doing} dead letters`, cause);
    } finally {
      await kafka?.close();
    }
  }
}

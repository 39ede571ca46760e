import type { Admin } from 'kafkajs';
import type { Config } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { KafkaConnection } from '../stream/kafka-connection.js';
import { withKafkaAdmin } from '../clients/kafka.js';

/** Where topic A may lie: on the pipeline's own cluster, or on another of the configuration, connected when first asked for. */
export class ReplaySources {
  readonly #own: KafkaConnection;
  readonly #others: NonNullable<Config['clusters']>;
  readonly #clientId: string;
  readonly #open = new Map<string, Promise<KafkaConnection>>();

  constructor(own: KafkaConnection, config: Pick<Config, 'clusters'>, clientId: string) {
    this.#own = own;
    this.#others = config.clusters ?? {};
    this.#clientId = clientId;
  }

  /** The pipeline's own without a name. @throws PipelineError `UNKNOWN_CLUSTER`, `KAFKA_AUTHENTICATION`, `KAFKA_UNREACHABLE`. */
  connection(name: string | undefined): Promise<KafkaConnection> {
    if (name === undefined) return Promise.resolve(this.#own);
    const known = this.#open.get(name);
    if (known !== undefined) return known;
    const opening = this.#connect(name);
    this.#open.set(name, opening);
    // Another caller may find it there again.
    opening.catch(() => this.#open.delete(name));
    return opening;
  }

  /** With an admin of that cluster, which ends with `use`. */
  async withAdmin<T>(name: string, use: (admin: Admin) => Promise<T>): Promise<T> {
    return withKafkaAdmin({ kafka: this.#settings(name) }, this.#clientId, use);
  }

  /** Leaves the pipeline's own open: it belongs to who gave it. */
  async close(): Promise<void> {
    const opened = await Promise.allSettled([...this.#open.values()]);
    this.#open.clear();
    for (const one of opened) if (one.status === 'fulfilled') await one.value.close();
  }

  async #connect(name: string): Promise<KafkaConnection> {
    return KafkaConnection.open(this.#settings(name), { clientId: this.#clientId });
  }

  #settings(name: string): Config['kafka'] {
    const settings = this.#others[name];
    if (settings !== undefined) return settings;
    const known = Object.keys(this.#others).join(', ') || 'none';
    throw new PipelineError(
      'UNKNOWN_CLUSTER',
      `connecting to cluster ${name}: the configuration names no such one under clusters (there are: ${known})`,
    );
  }
}

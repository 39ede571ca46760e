import type { ClickHouseClient } from '@clickhouse/client';
import type { Client } from '@temporalio/client';
import { connectClickHouse } from '../clients/clickhouse.js';
import { connectTemporal } from '../clients/temporal.js';
import type { Config } from '../config.js';
import { PipelineError } from '../core/errors.js';

/** Connections of the public client, each opened when first used. */
export class ClientConnections {
  readonly config: Config;
  #temporal: Promise<Client> | undefined;
  #clickhouse: ClickHouseClient | undefined;

  constructor(config: Config) {
    this.config = config;
  }

  /** @throws PipelineError `TEMPORAL_UNREACHABLE`. */
  temporal(): Promise<Client> {
    this.#temporal ??= connectTemporal(this.config).catch((cause: unknown) => {
      this.#temporal = undefined;
      const message = `connecting to Temporal at ${this.config.temporal.address}: no answer (is the stack up? tidemark status)`;
      throw new PipelineError('TEMPORAL_UNREACHABLE', message, {
        retryable: true,
        at: { service: 'temporal' },
        cause,
      });
    });
    return this.#temporal;
  }

  get clickhouse(): ClickHouseClient {
    this.#clickhouse ??= connectClickHouse(this.config);
    return this.#clickhouse;
  }

  async close(): Promise<void> {
    const temporal = await this.#temporal?.catch(() => undefined);
    await Promise.all([temporal?.connection.close(), this.#clickhouse?.close()]);
  }
}

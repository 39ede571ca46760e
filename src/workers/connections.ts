import type { ClickHouseClient } from '@clickhouse/client';
import { connectClickHouse } from '../clients/clickhouse.js';
import { connectConnect } from '../clients/connect.js';
import { serviceFault } from '../clients/fault.js';
import { connectKafka } from '../clients/kafka.js';
import { connectMongo } from '../clients/mongo.js';
import { connectPostgres } from '../clients/postgres.js';
import { ReplaySources } from '../activities/replay-sources.js';
import type { Config } from '../config.js';
import { KafkaConnection } from '../stream/kafka-connection.js';

/** A statement may run as long as its activity may: the INSERT of a huge day sends nothing until it is done. */
const LONGEST_STATEMENT_MS = 60 * 60_000;
/** Small questions, which a ClickHouse under full load answers, too. */
const QUICK_STATEMENT_MS = 10_000;

export type Connections = Awaited<ReturnType<typeof openConnections>>;

/** Opens what activities need. They reconnect by themselves later; at the start every service must be there. */
export async function openConnections(config: Config) {
  const clickhouse: ClickHouseClient = connectClickHouse(config, LONGEST_STATEMENT_MS);
  const quickClickhouse = connectClickHouse(config, QUICK_STATEMENT_MS);
  const postgres = connectPostgres(config);
  const admin = connectKafka(config, 'tidemark-worker').admin();
  const opened = await Promise.allSettled([
    connectMongo(config),
    KafkaConnection.open(config.kafka, { clientId: 'tidemark-worker' }),
    admin.connect(),
  ]);
  const [mongo, kafka] = opened;
  const sources =
    kafka.status === 'fulfilled' ? new ReplaySources(kafka.value, config, 'tidemark-worker') : undefined;
  const close = async (): Promise<void> => {
    await sources?.close();
    await Promise.allSettled([
      clickhouse.close(),
      quickClickhouse.close(),
      postgres.end(),
      admin.disconnect(),
      mongo.status === 'fulfilled' ? mongo.value.close() : undefined,
      kafka.status === 'fulfilled' ? kafka.value.close() : undefined,
    ]);
  };
  const failed = opened.find((one) => one.status === 'rejected');
  if (
    failed !== undefined ||
    mongo.status === 'rejected' ||
    sources === undefined ||
    kafka.status === 'rejected'
  ) {
    await close();
    const service = mongo.status === 'rejected' ? 'mongo' : 'kafka';
    throw serviceFault(service, 'starting a worker', failed?.reason);
  }
  return {
    clickhouse,
    quickClickhouse,
    postgres,
    admin,
    mongo: mongo.value,
    mongoDatabase: config.mongo.database,
    kafka: kafka.value,
    sources,
    connect: connectConnect(config),
    close,
  };
}

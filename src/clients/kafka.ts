// Before kafkajs: it puts parts of its own in place.
import './kafkajs-guard.js';
import { Kafka, logLevel, type Admin } from 'kafkajs';
import type { Config } from '../config.js';

/** Connections, metadata and admin; records go through src/stream. kafkajs retries by itself, so its log stays silent. */
export function connectKafka(config: Pick<Config, 'kafka'>, clientId = 'tidemark'): Kafka {
  const { brokers, tls, sasl } = config.kafka;
  const login = sasl && { username: sasl.user, password: sasl.password };
  return new Kafka({
    clientId,
    brokers,
    ssl: tls,
    ...(sasl && login && { sasl: saslOf(sasl.mechanism, login) }),
    logLevel: logLevel.NOTHING,
    connectionTimeout: 3_000,
    retry: { initialRetryTime: 100, retries: 5 },
  });
}

/** With an admin client of its own, which ends with `use`. */
export async function withKafkaAdmin<T>(
  config: Pick<Config, 'kafka'>,
  clientId: string,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = connectKafka(config, clientId).admin();
  try {
    await admin.connect();
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

type Login = { username: string; password: string };
type Mechanism = NonNullable<Config['kafka']['sasl']>['mechanism'];

/** kafkajs tells its SASL options apart by a literal mechanism, so each is written out. */
function saslOf(mechanism: Mechanism, login: Login) {
  switch (mechanism) {
    case 'plain':
      return { mechanism, ...login } as const;
    case 'scram-sha-256':
      return { mechanism, ...login } as const;
    case 'scram-sha-512':
      return { mechanism, ...login } as const;
  }
}

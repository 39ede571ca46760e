import type { Admin } from 'kafkajs';
import { connectKafka } from '../../clients/kafka.js';
import type { CheckDeps } from './check.js';

/**
 * An admin client of its own: a shared one remembers every topic that it was asked for, and answers nothing any more once one
 * of them is deleted.
 */
export async function withKafkaAdmin<T>(
  { config }: Pick<CheckDeps, 'config'>,
  use: (admin: Admin) => Promise<T>,
): Promise<T> {
  const admin = connectKafka(config, 'tidemark-verify').admin();
  await admin.connect();
  try {
    return await use(admin);
  } finally {
    await admin.disconnect();
  }
}

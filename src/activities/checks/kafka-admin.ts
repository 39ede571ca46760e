import type { Admin } from 'kafkajs';
import { withKafkaAdmin } from '../../clients/kafka.js';
import type { CheckDeps } from './check.js';

/**
 * An admin client of its own: a shared one remembers every topic that it was asked for, and answers nothing any more once one
 * of them is deleted.
 */
export const withOwnAdmin = <T>(
  { config }: Pick<CheckDeps, 'config'>,
  use: (admin: Admin) => Promise<T>,
): Promise<T> => withKafkaAdmin(config, 'tidemark-verify', use);

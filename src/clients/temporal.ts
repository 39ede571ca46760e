import { Client, Connection } from '@temporalio/client';
import type { Config } from '../config.js';

/** Close with `client.connection.close()`. */
export async function connectTemporal(config: Config): Promise<Client> {
  const { address, namespace } = config.temporal;
  const connection = await Connection.connect({ address, connectTimeout: '5s' });
  return new Client({ connection, namespace });
}

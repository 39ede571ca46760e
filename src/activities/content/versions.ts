import type { MongoClient, Timestamp } from 'mongodb';
import type { Pool } from 'pg';
import { serviceFault } from '../../clients/fault.js';
import { PipelineError } from '../../core/errors.js';
import { EVENTS_LAYOUT, USERS_LAYOUT } from '../../core/source-epoch.js';

/** Versions of our own making, by the position of a source: decimal strings. */

export const usersVersion = async (postgres: Pick<Pool, 'query'>, lsn: bigint): Promise<string> =>
  USERS_LAYOUT.streamed(await epochOf(postgres, 'postgres'), lsn).toString();

/** The highest version that a change at this cluster time may have: every one of a transaction, whatever its offset. */
export async function eventsVersion(postgres: Pick<Pool, 'query'>, time: Timestamp): Promise<string> {
  const epoch = await epochOf(postgres, 'mongo');
  const anyOffset = (1n << 48n) - 1n;
  return (EVENTS_LAYOUT.streamed(epoch, BigInt.asUintN(64, time.toBigInt())) + anyOffset).toString();
}

/** The time of the newest write of the replica set that a command of now has seen. */
export async function clusterTime(mongo: Pick<MongoClient, 'db'>, database: string): Promise<Timestamp> {
  const doing = 'reading the cluster time of MongoDB';
  try {
    const { operationTime } = (await mongo.db(database).command({ ping: 1 })) as {
      operationTime?: Timestamp;
    };
    if (operationTime === undefined) {
      throw new PipelineError('MONGO_NO_CLUSTER_TIME', `${doing}: it tells none (not a replica set?)`);
    }
    return operationTime;
  } catch (cause) {
    throw serviceFault('mongo', doing, cause);
  }
}

/** The epoch under which a source's connector runs. */
export async function epochOf(postgres: Pick<Pool, 'query'>, source: 'postgres' | 'mongo'): Promise<number> {
  const doing = `reading the epoch of ${source}`;
  try {
    const { rows } = await postgres.query<{ epoch: number }>(
      'SELECT epoch FROM tidemark.source_epochs WHERE source = $1',
      [source],
    );
    const epoch = rows[0]?.epoch;
    if (epoch === undefined) throw new PipelineError('NO_EPOCH', `${doing}: its connector never started`);
    return epoch;
  } catch (cause) {
    throw serviceFault('postgres', doing, cause);
  }
}

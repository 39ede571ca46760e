import type { ConnectClient } from '../clients/connect.js';
import { postgresProducedPast } from '../core/barrier.js';
import { POSTGRES_CONNECTOR } from '../core/names.js';
import type { AwaitUsersProducedInput, Lap } from '../messages.js';
import { waitLap } from './wait-lap.js';

export interface ConnectDeps {
  readonly connect: Pick<ConnectClient, 'sourceOffset'>;
}

export type ConnectActivities = ReturnType<typeof createConnectActivities>;

export function createConnectActivities({ connect }: ConnectDeps) {
  return {
    /** Waits until the connector of users has produced past an LSN; an idle one gets there by its heartbeat table. */
    awaitUsersProduced: ({ lsn, waitMs }: AwaitUsersProducedInput): Promise<Lap<null>> =>
      waitLap(waitMs, async () => {
        const offset = (await connect.sourceOffset(POSTGRES_CONNECTOR)) ?? null;
        if (postgresProducedPast(offset, lsn)) return { passed: true, value: null };
        return { passed: false, waitingFor: `connector ${POSTGRES_CONNECTOR} to produce past LSN ${lsn}` };
      }),
  };
}

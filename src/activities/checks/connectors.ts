import type { ConnectorStatus } from '../../clients/connect.js';
import { passesByItself } from '../../core/connector-restart.js';
import { MONGO_CONNECTOR, POSTGRES_CONNECTOR } from '../../core/names.js';
import type { Finding } from '../../core/verification.js';
import { failed, passed, type Check } from './check.js';

const CONNECTORS = [POSTGRES_CONNECTOR, MONGO_CONNECTOR];

/** Both connectors run, and so does every task of theirs: a connector says RUNNING while its only task has failed. */
export const connectors: Check = {
  name: 'connectors',
  hop: 'connect',
  stage: 'hops',
  run: async ({ connect }) =>
    judgeConnectors(
      await Promise.all(CONNECTORS.map(async (name) => [name, await connect.status(name)] as const)),
    ),
};

/** `undefined`: there is no such connector. */
export function judgeConnectors(
  statuses: readonly (readonly [name: string, status: ConnectorStatus | undefined])[],
): Finding {
  const faults = statuses.flatMap(([name, status]) => faultOf(name, status) ?? []);
  const evidence = {
    connectors: Object.fromEntries(statuses.map(([name, status]) => [name, evidenceOf(status)])),
  };
  if (faults.length > 0) {
    return failed(
      faults.map(({ what }) => what).join('; '),
      evidence,
      faults.map(({ next }) => next).join('; '),
    );
  }
  return passed(`${statuses.length} connectors and all of their tasks run`, evidence);
}

function faultOf(
  name: string,
  status: ConnectorStatus | undefined,
): { what: string; next: string } | undefined {
  if (status === undefined) {
    return { what: `connector ${name} does not exist`, next: 'create it: tidemark up, or infra/connect' };
  }
  const { connector, tasks } = status;
  const bad = tasks.filter(({ state }) => state !== 'RUNNING');
  const says = `connector ${name} says ${connector.state}`;
  if (bad.length > 0) {
    const states = bad.map(({ id, state, trace }) => `task ${id} is ${state}${causeOf(trace)}`).join(', ');
    return { what: `${says}, ${states}`, next: nextFor(name, bad[0]!) };
  }
  if (connector.state !== 'RUNNING') return { what: says, next: nextFor(name, connector) };
  if (tasks.length === 0)
    return { what: `${says} and has no task`, next: nextFor(name, { state: 'FAILED' }) };
  return undefined;
}

function nextFor(name: string, { state, trace }: { state: string; trace?: string | undefined }): string {
  if (state === 'PAUSED' || state === 'STOPPED') return `resume it: PUT /connectors/${name}/resume`;
  if (state === 'UNASSIGNED')
    return 'verify again when Connect has rebalanced; if it stays so, look for a transaction that hangs in the topic of its offsets, which a task reads to the end before it starts: kafka-transactions.sh find-hanging';
  if (passesByItself(trace))
    return 'a worker of the control queue starts it anew by itself: verify again in a minute';
  return `read its trace (GET /connectors/${name}/status), mend that, then POST /connectors/${name}/restart?includeTasks=true&onlyFailed=true`;
}

/** Names of the exceptions only: their messages may quote a row. */
function causeOf(trace: string | undefined): string {
  const causes = exceptionsOf(trace);
  return causes.length === 0 ? '' : ` (${causes.join(' <- ')})`;
}

export function exceptionsOf(trace = ''): string[] {
  const lines = trace.split('\n').filter((line) => !/^\s/.test(line));
  const named = lines.map((line) => /^(?:Caused by: )?([\w.$]*?)([\w$]+)(?::|$)/.exec(line.trim())?.[2]);
  return [...new Set(named.filter((name) => name !== undefined))].slice(0, 5);
}

const evidenceOf = (status: ConnectorStatus | undefined) =>
  status === undefined
    ? null
    : {
        state: status.connector.state,
        tasks: status.tasks.map(({ id, state, trace }) => ({ id, state, exceptions: exceptionsOf(trace) })),
      };

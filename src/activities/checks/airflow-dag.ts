import { z } from 'zod';
import type { Config } from '../../config.js';
import { PipelineError } from '../../core/errors.js';
import type { Finding } from '../../core/verification.js';
import { failed, passed, type Check } from './check.js';

/** The DAG that starts goldDay (infra/airflow/dags). */
const DAG = 'gold_user_activity';
const ASK_LIMIT_MS = 5_000;

const Token = z.object({ access_token: z.string() });
const Dag = z.object({ is_paused: z.boolean(), has_import_errors: z.boolean() });
const Health = z.record(z.string(), z.object({ status: z.string().nullable().optional() }).nullable());

export interface AirflowFacts {
  /** Null: there is no such DAG. */
  readonly dag: { readonly paused: boolean; readonly importErrors: boolean } | null;
  /** Processes that a deferred daily run needs, and what Airflow says of them. */
  readonly health: Readonly<Record<string, string | null>>;
}

const NEEDED = ['scheduler', 'triggerer', 'dag_processor'];

/** Where there is an Airflow: the DAG of gold loads and is not paused, and what runs it is well. */
export const airflowDag: Check = {
  name: 'airflow-dag',
  hop: 'airflow',
  stage: 'hops',
  applies: ({ airflow }) => airflow !== undefined,
  run: async ({ config }, { signal }) => judgeAirflow(await read(config.airflow!, signal)),
};

export function judgeAirflow({ dag, health }: AirflowFacts): Finding {
  const evidence = { dag: dag && { ...dag }, health: { ...health } };
  if (dag === null) {
    return failed(
      `DAG ${DAG} is not there`,
      evidence,
      "put infra/airflow/dags into Airflow's folder of DAGs",
    );
  }
  if (dag.importErrors)
    return failed(`DAG ${DAG} does not load`, evidence, 'airflow dags list-import-errors');
  if (dag.paused) return failed(`DAG ${DAG} is paused`, evidence, `airflow dags unpause ${DAG}`);
  const ill = NEEDED.filter((name) => health[name] !== 'healthy');
  if (ill.length > 0) {
    const says = ill.map((name) => `${name}: ${health[name] ?? 'not seen'}`).join(', ');
    return failed(`Airflow is not whole (${says})`, evidence, 'start those processes of Airflow');
  }
  return passed(`DAG ${DAG} is active`, evidence);
}

type Airflow = NonNullable<Config['airflow']>;

async function read(airflow: Airflow, signal: AbortSignal): Promise<AirflowFacts> {
  const token = await ask(airflow, signal, '/auth/token', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ username: airflow.user, password: airflow.password }),
  });
  const headers = { authorization: `Bearer ${Token.parse(token).access_token}` };
  const [dag, health] = await Promise.all([
    ask(airflow, signal, `/api/v2/dags/${DAG}`, { headers }),
    ask(airflow, signal, '/api/v2/monitor/health', { headers }),
  ]);
  const found = dag === undefined ? undefined : Dag.parse(dag);
  return {
    dag: found ? { paused: found.is_paused, importErrors: found.has_import_errors } : null,
    health: Object.fromEntries(
      Object.entries(Health.parse(health)).map(([name, process]) => [name, process?.status ?? null]),
    ),
  };
}

/** The answer's JSON; undefined for what is not there. */
async function ask({ url }: Airflow, signal: AbortSignal, path: string, init: RequestInit): Promise<unknown> {
  const limit = AbortSignal.any([signal, AbortSignal.timeout(ASK_LIMIT_MS)]);
  let response: Response;
  try {
    response = await fetch(`${url}${path}`, { ...init, signal: limit });
  } catch (cause) {
    signal.throwIfAborted();
    const message = `asking Airflow for ${path}: no answer`;
    throw new PipelineError('AIRFLOW_UNREACHABLE', message, {
      retryable: true,
      at: { service: 'airflow' },
      cause,
    });
  }
  if (response.status === 404) return undefined;
  if (response.ok) return response.json();
  const message = `asking Airflow for ${path}: it answers ${response.status}`;
  throw new PipelineError('AIRFLOW_REFUSED', message, {
    at: { service: 'airflow', status: response.status },
  });
}

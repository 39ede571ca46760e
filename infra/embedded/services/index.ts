import type { Service, ServiceName } from '../service.js';
import { airflow } from './airflow.js';
import { clickhouse } from './clickhouse.js';
import { connect } from './connect.js';
import { kafka } from './kafka.js';
import { mongo } from './mongo.js';
import { postgres } from './postgres.js';
import { temporal } from './temporal.js';
import { hasEntry, STREAM_ENTRY, stream, worker, WORKER_ENTRY } from './workers.js';

export const SERVICES: Readonly<Record<ServiceName, Service>> = {
  kafka,
  connect,
  postgres,
  mongo,
  clickhouse,
  temporal,
  worker,
  stream,
  ...airflow,
};

/** Airflow's processes: part of a stack only when asked for, as they double what it costs to start. */
export const AIRFLOW_SERVICES = Object.keys(airflow) as (keyof typeof airflow)[];

/** What `tidemark up` starts when nothing else is said. */
export function allServices(): ServiceName[] {
  const names: ServiceName[] = ['kafka', 'connect', 'postgres', 'mongo', 'clickhouse', 'temporal'];
  if (hasEntry(WORKER_ENTRY)) names.push('worker');
  if (hasEntry(STREAM_ENTRY)) names.push('stream');
  return names;
}

import { COMPONENTS, type ComponentName } from './components.js';
import type { Need } from './prerequisites.js';
import type { PortName } from './ports.js';
import { SERVICE_NAMES, type ServiceName } from './service.js';
import { AIRFLOW_SERVICES, allServices, SERVICES } from './services/index.js';
import { PipelineError } from '../../src/core/errors.js';

/** A stack's services in their fixed order. With no choice: all. @throws PipelineError `NO_SERVICE` for a name unknown. */
export function chooseServices(asked: readonly string[] | undefined): ServiceName[] {
  if (asked === undefined || asked.length === 0) return allServices();
  const unknown = asked.filter((name) => !(SERVICE_NAMES as readonly string[]).includes(name));
  if (unknown.length > 0) {
    throw new PipelineError(
      'NO_SERVICE',
      `choosing services: there is no ${unknown.join(', ')}; there are ${SERVICE_NAMES.join(', ')}`,
    );
  }
  const chosen = new Set(asked);
  // Connect keeps all it knows in Kafka.
  if (chosen.has('connect')) chosen.add('kafka');
  if (AIRFLOW_SERVICES.some((name) => chosen.has(name))) {
    // Its processes are of no use without each other, its tables, and what its DAG starts.
    for (const name of [...AIRFLOW_SERVICES, 'postgres', 'temporal']) chosen.add(name);
  }
  return SERVICE_NAMES.filter((name) => chosen.has(name));
}

export const componentsOf = (names: readonly ServiceName[]): ComponentName[] => [
  ...new Set(names.flatMap((name) => SERVICES[name].components)),
];

export const portsOf = (names: readonly ServiceName[]): PortName[] =>
  names.flatMap((name) => SERVICES[name].ports);

/** What a start needs of the machine: to run the services, and to install what is missing. */
export function needsOf(names: readonly ServiceName[], missing: readonly ComponentName[]): Set<Need> {
  const running: Need[] = names.flatMap((name) => SERVICES[name].runNeeds);
  return new Set([...running, ...missing.flatMap((name) => COMPONENTS[name].installNeeds)]);
}

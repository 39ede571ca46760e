import { createServer } from 'node:net';
import { PipelineError } from '../../src/core/errors.js';

/** Each port's distance from the stack's base. Fixed, so that one number names a whole stack. */
const DISTANCE = {
  kafka: 0,
  'kafka controller': 1,
  connect: 2,
  postgres: 3,
  mongo: 4,
  'clickhouse http': 5,
  'clickhouse native': 6,
  temporal: 7,
  'temporal ui': 8,
  'temporal metrics': 9,
  'temporal http': 10,
  'worker http': 11,
  airflow: 19,
} as const;

export type PortName = keyof typeof DISTANCE;
export type Ports = Readonly<Record<PortName, number>>;

/** Below the kernel's ephemeral range (32768 on Linux), so that no outgoing connection takes one. */
export const DEFAULT_PORT_BASE = 19000;
/** Ports a stack may use: `[base, base + PORT_SPAN)`; the unused ones are for services to come. */
export const PORT_SPAN = 20;

/** @throws PipelineError `BAD_PORTS` when the base leaves no room for the stack. */
export function portsFrom(base: number): Ports {
  if (!Number.isInteger(base) || base < 1024 || base + PORT_SPAN > 65_536) {
    throw new PipelineError(
      'BAD_PORTS',
      `choosing ports: the base must be a whole number from 1024 to ${65_536 - PORT_SPAN}${Number.isNaN(base) ? '' : `, not ${base}`}`,
    );
  }
  const entries = Object.entries(DISTANCE).map(([name, distance]) => [name, base + distance] as const);
  return Object.fromEntries(entries) as Ports;
}

/**
 * Binds every named port on the loopback address for a moment.
 * @throws PipelineError `PORT_TAKEN` naming every one that something else holds.
 */
export async function checkPorts(ports: Ports, names: readonly PortName[]): Promise<void> {
  const taken: string[] = [];
  for (const name of names) {
    if (!(await isFree(ports[name]))) taken.push(`${ports[name]} (${name})`);
  }
  if (taken.length === 0) return;
  throw new PipelineError(
    'PORT_TAKEN',
    `taking ports: ${taken.join(', ')} already in use by another program; choose others with --ports BASE`,
  );
}

export function isFree(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE' || error.code === 'EACCES') resolve(false);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A base whose whole span is free now. `from` and `until` bound the search, half-open. */
export async function findFreeBase(from: number, until: number): Promise<number> {
  for (let base = from; base + PORT_SPAN <= until; base += PORT_SPAN) {
    const all = Object.values(portsFrom(base));
    const free = await Promise.all(all.map(isFree));
    if (free.every(Boolean)) return base;
  }
  throw new PipelineError('PORT_TAKEN', `looking for ${PORT_SPAN} free ports in [${from}, ${until}): none`);
}

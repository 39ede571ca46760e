import type { Config } from '../../src/config.js';
import type { ComponentName } from './components.js';
import type { Need } from './prerequisites.js';
import type { PortName, Ports } from './ports.js';
import type { Secrets } from './secrets.js';

/** In the order they are shown; `needs` of each service says in which order they start. */
export const SERVICE_NAMES = [
  'kafka',
  'connect',
  'postgres',
  'mongo',
  'clickhouse',
  'temporal',
  'worker',
  'stream',
  'airflow',
  'airflow-scheduler',
  'airflow-processor',
  'airflow-triggerer',
] as const;
export type ServiceName = (typeof SERVICE_NAMES)[number];

/** All a service may know about the stack it belongs to. */
export interface StackContext {
  readonly dataDir: string;
  readonly ports: Ports;
  readonly secrets: Secrets;
  readonly config: Config;
  /** Only while the class archives are made. */
  readonly writesArchives?: boolean;
  /** Folder of an installed component. */
  readonly component: (name: ComponentName) => string;
}

/** How a service's process is started. Its output goes to the service's log. */
export interface Launch {
  readonly command: string;
  readonly args: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  /** Unprivileged user to run as; only ever set when the stack runs as root. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

export interface Service {
  readonly name: ServiceName;
  readonly title: string;
  /** Must be ready before this one starts, and stop after it, where they are part of the stack. */
  readonly needs: readonly ServiceName[];
  readonly components: readonly ComponentName[];
  /** What the machine must have for it to run. */
  readonly runNeeds: readonly Need[];
  readonly ports: readonly PortName[];
  /** `close-stdin`: the process holds its standard input open and ends cleanly when it closes. */
  readonly stop: 'SIGTERM' | 'SIGINT' | 'close-stdin';
  /** How long a clean stop may take before SIGKILL, ms. */
  readonly stopMs: number;
  /** Before every start: writes the service's files and, the first time, formats its storage. */
  prepare(context: StackContext): Promise<void>;
  launch(context: StackContext): Launch | Promise<Launch>;
  /** Asks the service something only a working one can answer; throws while it cannot. */
  ask(context: StackContext, pid: number): Promise<void>;
  /** Once it answers, before anything that needs it starts: users and databases. Must be repeatable. */
  initialise?(context: StackContext): Promise<void>;
  url(context: StackContext): string;
}

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { PipelineError } from './core/errors.js';

const Service = z.object({ user: z.string(), password: z.string() });

const Kafka = z.object({
  brokers: z.array(z.string().min(1)).min(1),
  tls: z.boolean().default(false),
  sasl: Service.extend({ mechanism: z.enum(['plain', 'scram-sha-256', 'scram-sha-512']) }).optional(),
});

/** Where the systems of the pipeline are and how to sign in to them. Every way of running fills this one shape. */
export const ConfigSchema = z.object({
  kafka: Kafka,
  /** Other clusters, by the name under which a replay may read from them. */
  clusters: z.record(z.string(), Kafka).optional(),
  connect: z.object({ url: z.url(), user: z.string().optional(), password: z.string().optional() }),
  postgres: Service.extend({ host: z.string(), port: z.int(), database: z.string().default('commerce') }),
  /** What Debezium signs in to PostgreSQL with: a role that may replicate and read, and nothing else. */
  replication: Service,
  mongo: z.object({ uri: z.string().startsWith('mongodb'), database: z.string().default('commerce') }),
  clickhouse: Service.extend({
    url: z.url(),
    database: z.string().default('tidemark'),
    /** Set on a replicated cluster: tables are then made with Replicated engines, ON CLUSTER. */
    cluster: z.string().optional(),
    /** Who may only read what users may read; where there is such a user. */
    reader: Service.optional(),
  }),
  temporal: z.object({
    address: z.string(),
    namespace: z.string().default('default'),
    uiUrl: z.url().optional(),
  }),
  /**
   * Where the control worker answers `GET /verify` and serves dashboards; off without. Without `login` whoever reaches it may ask: beyond
   * this machine, guard it.
   */
  http: z
    .object({
      host: z.string().default('127.0.0.1'),
      port: z.int().min(0).max(65_535),
      login: Service.optional(),
    })
    .optional(),
  /** Where there is one. */
  airflow: Service.extend({ url: z.url() }).optional(),
});

export type Config = z.infer<typeof ConfigSchema>;

/** The file `tidemark up` writes into the data directory (mode 0600: it holds the generated passwords). */
export const STACK_FILE = 'stack.json';

/** `--data-dir`, else `TIDEMARK_DATA_DIR`, else `~/.local/share/tidemark`. */
export function dataDirectory(option: string | undefined, env: NodeJS.ProcessEnv): string {
  return resolve(option ?? env.TIDEMARK_DATA_DIR ?? join(homedir(), '.local', 'share', 'tidemark'));
}

/**
 * Reads the configuration: the file `TIDEMARK_CONFIG` names, else `<data directory>/stack.json`.
 * @throws PipelineError `NO_STACK` when there is neither, `BAD_CONFIG` naming every fault at once.
 */
export function loadConfig(dataDir: string, env: NodeJS.ProcessEnv): Config {
  const file = env.TIDEMARK_CONFIG ?? join(dataDir, STACK_FILE);
  if (!existsSync(file)) {
    throw new PipelineError(
      'NO_STACK',
      `reading ${file}: no stack is set up there. Start one with: tidemark up`,
    );
  }
  return parseConfig(readConfigFile(file), file);
}

function readConfigFile(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    const code = (cause as NodeJS.ErrnoException).code ?? 'unreadable';
    throw new PipelineError('BAD_CONFIG', `reading ${file}: ${code}`, { cause });
  }
}

export function parseConfig(text: string, file: string): Config {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch (cause) {
    throw new PipelineError('BAD_CONFIG', `reading ${file}: not JSON`, { cause });
  }
  const parsed = ConfigSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const faults = parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  throw new PipelineError('BAD_CONFIG', `reading ${file}: ${faults.join('; ')}`);
}

import pRetry from 'p-retry';
import { z } from 'zod';
import type { Config } from '../config.js';
import { PipelineError } from '../core/errors.js';

const ConnectorStatus = z.object({
  connector: z.object({ state: z.string(), trace: z.string().optional() }),
  tasks: z.array(z.object({ id: z.int(), state: z.string(), trace: z.string().optional() })),
});
const ConnectorOffsets = z.object({
  offsets: z.array(
    z.object({
      partition: z.record(z.string(), z.unknown()),
      offset: z.record(z.string(), z.unknown()).nullable(),
    }),
  ),
});

export type ConnectorStatus = z.infer<typeof ConnectorStatus>;
export type ConnectorConfig = Record<string, string>;

/** Kafka Connect's REST interface (KIP-875 for offsets), as far as Tidemark asks. `undefined`: no such connector. */
export interface ConnectClient {
  connectorConfig(name: string): Promise<ConnectorConfig | undefined>;
  status(name: string): Promise<ConnectorStatus | undefined>;
  /** The committed source offset of the connector's one source partition; `undefined` before there is one. */
  sourceOffset(name: string): Promise<Record<string, unknown> | undefined>;
  /** Creates the connector without starting it. */
  createStopped(name: string, config: ConnectorConfig): Promise<void>;
  configure(name: string, config: ConnectorConfig): Promise<void>;
  stop(name: string): Promise<void>;
  resume(name: string): Promise<void>;
  pause(name: string): Promise<void>;
  restartFailed(name: string): Promise<void>;
  /** Forgets the source offsets; the connector must be stopped. */
  resetOffsets(name: string): Promise<void>;
  remove(name: string): Promise<void>;
}

/** A rebalance of one worker takes a second or two; some fifteen are granted. */
const REBALANCE_PATIENCE = { retries: 20, minTimeout: 100, factor: 1.3, maxTimeout: 1_000 };

/** 409 says so by its status, 500 by its text ("... a rebalance is expected"). */
function isRebalance(error: unknown): boolean {
  if (!(error instanceof PipelineError) || error.code !== 'CONNECT_REFUSED') return false;
  return error.at.status === 409 || (error.cause instanceof Error && /rebalance/i.test(error.cause.message));
}

export function connectConnect(config: Config): ConnectClient {
  const { url, user, password } = config.connect;
  const login = user === undefined ? {} : { authorization: `Basic ${btoa(`${user}:${password ?? ''}`)}` };

  /** Connect refuses while its worker group rebalances, before it has done anything: asked again, whatever the method. */
  const ask = (method: string, path: string, body?: unknown): Promise<unknown> =>
    pRetry(() => askOnce(method, path, body), {
      ...REBALANCE_PATIENCE,
      shouldRetry: ({ error }) => isRebalance(error),
    });

  async function askOnce(method: string, path: string, body?: unknown): Promise<unknown> {
    let response: Response;
    try {
      response = await fetch(`${url}/connectors${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...login },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        signal: AbortSignal.timeout(30_000),
      });
    } catch (cause) {
      throw new PipelineError('CONNECT_UNREACHABLE', `asking Kafka Connect at ${url}: no answer`, {
        retryable: true,
        at: { service: 'connect' },
        cause,
      });
    }
    const text = await response.text();
    if (response.status === 404 && method === 'GET') return undefined;
    if (response.ok) return text === '' ? null : JSON.parse(text);
    throw new PipelineError(
      'CONNECT_REFUSED',
      `asking Kafka Connect to ${method} ${path}: ${response.status}`,
      {
        // 409: a rebalance is under way. 500 is also what a worker that just lost its leader answers.
        retryable: response.status === 409 || response.status >= 500,
        at: { service: 'connect', status: response.status },
        cause: new Error(text.slice(0, 2_000)),
      },
    );
  }

  return {
    connectorConfig: async (name) => (await ask('GET', `/${name}/config`)) as ConnectorConfig | undefined,
    status: async (name) => {
      const answer = await ask('GET', `/${name}/status`);
      return answer === undefined ? undefined : ConnectorStatus.parse(answer);
    },
    sourceOffset: async (name) => {
      const answer = await ask('GET', `/${name}/offsets`);
      if (answer === undefined) return undefined;
      return ConnectorOffsets.parse(answer).offsets[0]?.offset ?? undefined;
    },
    createStopped: async (name, config) =>
      void (await ask('POST', '', { name, config, initial_state: 'STOPPED' })),
    configure: async (name, config) => void (await ask('PUT', `/${name}/config`, config)),
    stop: async (name) => void (await ask('PUT', `/${name}/stop`)),
    resume: async (name) => void (await ask('PUT', `/${name}/resume`)),
    pause: async (name) => void (await ask('PUT', `/${name}/pause`)),
    restartFailed: async (name) =>
      void (await ask('POST', `/${name}/restart?includeTasks=true&onlyFailed=true`)),
    resetOffsets: async (name) => void (await ask('DELETE', `/${name}/offsets`)),
    remove: async (name) => void (await ask('DELETE', `/${name}`)),
  };
}

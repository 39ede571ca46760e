import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { requireKafkajs } from '../clients/kafkajs-guard.js';
import { BufferPool } from './buffer-pool.js';
import { responseSockets } from './response-socket.js';

/**
 * Where the engine reaches into kafkajs: its sockets, TLS, SASL and request queue, without its fetch and produce paths.
 * Safe because the version is pinned exactly and checked (`clients/kafkajs-guard.ts`).
 */

/** What `Connection.send` wants: `encode` answers something with a `buffer`, like kafkajs's Encoder. */
export interface WireExchange<T> {
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    readonly apiName: string;
    readonly expectResponse: () => boolean;
    readonly encode: () => Promise<{ buf: Buffer; buffer: Buffer }>;
    /** The same, for `clients/kafkajs-requests.ts`. */
    readonly pieces: readonly Buffer[];
  };
  readonly response: {
    readonly decode: (payload: Buffer) => Promise<{ value: T; clientSideThrottleTime: number }>;
    readonly parse: (decoded: { value: T }) => Promise<T>;
  };
  readonly logResponseError: boolean;
}

interface Connection {
  isConnected(): boolean;
  /** What has come of responses that are not whole yet. */
  chunks: Buffer[];
  bytesBuffered: number;
  processData(chunk: Buffer): void;
}

export interface ConnectionPool {
  readonly pool: readonly Connection[];
  getConnection(index: number): Promise<unknown>;
  send<T>(exchange: WireExchange<T>): Promise<T>;
}

export interface Broker {
  readonly connectionPool: ConnectionPool;
  connect(): Promise<void>;
  disconnect(): Promise<void>;
}

export type Sasl = {
  mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512';
  username: string;
  password: string;
};

export interface SocketSettings {
  readonly clientId: string;
  readonly ssl: TlsOptions | true | null;
  readonly sasl: Sasl | null;
  readonly connectionTimeoutMs: number;
  readonly requestTimeoutMs: number;
}

type Logger = { namespace(): Logger } & Record<'error' | 'warn' | 'info' | 'debug', () => void>;

interface Internals {
  readonly Broker: new (options: object) => Broker;
  readonly ConnectionPool: new (options: object) => ConnectionPool;
}

const internals: Internals = {
  Broker: requireKafkajs('kafkajs/src/broker') as Internals['Broker'],
  ConnectionPool: requireKafkajs('kafkajs/src/network/connectionPool') as Internals['ConnectionPool'],
};

/** Errors reach the caller as exceptions; kafkajs's own log lines would only repeat them. */
const silent: Logger = {
  namespace: () => silent,
  error: () => undefined,
  warn: () => undefined,
  info: () => undefined,
  debug: () => undefined,
};

export function createBroker(
  host: string,
  port: number,
  nodeId: number | null,
  settings: SocketSettings,
  buffers = new BufferPool(),
): Broker {
  const connectionPool = new internals.ConnectionPool({
    host,
    port,
    ssl: settings.ssl,
    sasl: settings.sasl,
    clientId: settings.clientId,
    logger: silent,
    socketFactory: responseSockets(buffers),
    connectionTimeout: settings.connectionTimeoutMs,
    requestTimeout: settings.requestTimeoutMs,
    enforceRequestTimeout: true,
    maxInFlightRequests: null,
  });
  connectionPool.pool.forEach(sparingCopies);
  return new internals.Broker({ connectionPool, logger: silent, nodeId, allowAutoTopicCreation: false });
}

/** An empty rest of the last response would be joined with the next one: a copy of all of it. */
function sparingCopies(connection: Connection): void {
  const takeIn = connection.processData.bind(connection);
  connection.processData = (chunk) => {
    if (connection.bytesBuffered === 0) connection.chunks = [];
    takeIn(chunk);
  };
}

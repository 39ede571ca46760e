import { setTimeout as delay } from 'node:timers/promises';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import type { Config } from '../config.js';
import { PipelineError } from '../core/errors.js';
import { BufferPool } from './buffer-pool.js';
import { BrokerError, check } from './kafka-errors.js';
import { createBroker, type Broker, type SocketSettings, type WireExchange } from './kafkajs-internals.js';
import {
  findTransactionCoordinatorRequest,
  metadataRequest,
  type ClusterMetadata,
  type KafkaRequest,
} from './requests.js';
import { WireReader } from './wire.js';

export interface ConnectionOptions {
  readonly clientId?: string;
  /** Trust and client certificates beyond `tls: true`. */
  readonly tls?: TlsOptions;
  /** How long a broker may take to answer a request. */
  readonly requestTimeoutMs?: number;
  /** How long to go on looking for a leader, a coordinator or a broker before giving up. */
  readonly patienceMs?: number;
}

export interface PartitionLeader {
  readonly partition: number;
  readonly leader: number;
  readonly leaderEpoch: number;
}

export interface Topic {
  readonly name: string;
  /** Hex; another one means that the topic was deleted and created again. */
  readonly topicId: string;
  /** By partition number, without holes. */
  readonly partitions: readonly PartitionLeader[];
}

/** The settings of kafkajs's sockets that a configuration asks for. */
export function socketSettings(config: Config['kafka'], options: ConnectionOptions = {}): SocketSettings {
  const { sasl } = config;
  return {
    clientId: options.clientId ?? 'tidemark',
    ssl: config.tls ? (options.tls ?? true) : null,
    sasl: sasl ? { mechanism: sasl.mechanism, username: sasl.user, password: sasl.password } : null,
    connectionTimeoutMs: 5_000,
    requestTimeoutMs: options.requestTimeoutMs ?? 30_000,
  };
}

interface Address {
  readonly host: string;
  readonly port: number;
}

/**
 * Connections to the brokers of one cluster: sends a request to a node, knows each topic's leaders, and looks again when
 * they move. One instance serves any number of readers and writers of a process.
 */
export class KafkaConnection {
  readonly patienceMs: number;
  /** Where large responses lie: whoever is done with one may give it back. */
  readonly buffers = new BufferPool();
  readonly #seeds: readonly Address[];
  readonly #settings: SocketSettings;
  readonly #nodes = new Map<string, Promise<Broker>>();
  readonly #topics = new Map<string, Topic>();
  #addresses = new Map<number, Address>();
  #clusterId: string | null = null;

  private constructor(config: Config['kafka'], options: ConnectionOptions) {
    this.#seeds = config.brokers.map(parseAddress);
    this.#settings = socketSettings(config, options);
    this.patienceMs = options.patienceMs ?? 30_000;
  }

  /**
   * Signs in to the first broker that answers.
   * @throws PipelineError `KAFKA_AUTHENTICATION` (not retryable) or `KAFKA_UNREACHABLE`.
   */
  static async open(config: Config['kafka'], options: ConnectionOptions = {}): Promise<KafkaConnection> {
    const connection = new KafkaConnection(config, options);
    try {
      await connection.#anyNode(metadataRequest([]));
    } catch (error) {
      await connection.close();
      throw error;
    }
    return connection;
  }

  get clusterId(): string | null {
    return this.#clusterId;
  }

  /** Sends to one node; errors inside the response are the caller's to read. @throws PipelineError when there is no answer. */
  async send<T>(nodeId: number, request: KafkaRequest<T>): Promise<T> {
    const address = this.#addresses.get(nodeId);
    if (address === undefined) {
      throw new PipelineError('KAFKA_UNREACHABLE', `finding broker ${nodeId}: it is not in the cluster`, {
        retryable: true,
      });
    }
    return this.#exchange(address, nodeId, request);
  }

  /** Sends to whichever broker answers first in line; errors inside the response are the caller's to read. */
  ask<T>(request: KafkaRequest<T>): Promise<T> {
    return this.#anyNode(request);
  }

  /** A topic's partitions and leaders, from memory unless `refresh`. @throws PipelineError `KAFKA_UNKNOWN_TOPIC_OR_PARTITION`. */
  async topic(name: string, refresh = false): Promise<Topic> {
    const known = this.#topics.get(name);
    if (known && !refresh) return known;
    const metadata = await this.#anyNode(metadataRequest([name]));
    const found = metadata.topics.find((topic) => topic.name === name);
    check(found?.errorCode ?? 3, `reading the metadata of topic ${name}`, { topic: name });
    const partitions = [...(found?.partitions ?? [])].sort((a, b) => a.partition - b.partition);
    const topic = { name, topicId: found?.topicId ?? '', partitions };
    this.#topics.set(name, topic);
    return topic;
  }

  /** The node that leads a partition now, as far as known. @throws BrokerError of kind `refresh` while it has none. */
  async leader(topic: string, partition: number, refresh = false): Promise<number> {
    const { partitions } = await this.topic(topic, refresh);
    const found = partitions[partition];
    const at = { topic, partition };
    if (found === undefined) throw new BrokerError(3, `finding the leader of ${topic}-${partition}`, at);
    if (found.leader < 0) throw new BrokerError(5, `finding the leader of ${topic}-${partition}`, at);
    return found.leader;
  }

  async transactionCoordinator(transactionalId: string): Promise<number> {
    const found = await this.#anyNode(findTransactionCoordinatorRequest(transactionalId));
    check(found.errorCode, `finding the coordinator of ${transactionalId}`);
    return found.nodeId;
  }

  /**
   * Repeats `attempt` while what it asked moves (leader election, coordinator load, a broker that restarts), for at most
   * `patienceMs`; `fresh` says that what was known must be looked up again. Any other error passes through.
   */
  async whileMoving<T>(attempt: (fresh: boolean) => Promise<T>, signal?: AbortSignal): Promise<T> {
    const deadline = performance.now() + this.patienceMs;
    let fresh = false;
    for (let pauseMs = 2; ; pauseMs = Math.min(pauseMs * 2, 250)) {
      try {
        return await attempt(fresh);
      } catch (error) {
        if (!isMoving(error) || performance.now() + pauseMs > deadline) throw error;
        fresh = !(error instanceof BrokerError) || error.kind === 'refresh';
        await delay(pauseMs, undefined, signal ? { signal } : {});
      }
    }
  }

  async close(): Promise<void> {
    const nodes = [...this.#nodes.values()];
    this.#nodes.clear();
    const opened = await Promise.allSettled(nodes);
    await Promise.all(
      opened.flatMap((node) => (node.status === 'fulfilled' ? [node.value.disconnect()] : [])),
    );
  }

  /** Asks any broker: the known ones first, then the seeds. */
  async #anyNode<T>(request: KafkaRequest<T>): Promise<T> {
    let last: unknown;
    for (const [nodeId, address] of [
      ...this.#addresses,
      ...this.#seeds.map((seed) => [null, seed] as const),
    ]) {
      try {
        const answer = await this.#exchange(address, nodeId, request);
        if (request.apiName === 'Metadata') this.#learn(answer as ClusterMetadata);
        return answer;
      } catch (error) {
        if (!(error instanceof PipelineError) || !error.retryable) throw error;
        last = error;
      }
    }
    throw last;
  }

  #learn(metadata: ClusterMetadata): void {
    this.#clusterId = metadata.clusterId;
    this.#addresses = new Map(metadata.brokers.map(({ nodeId, host, port }) => [nodeId, { host, port }]));
  }

  async #exchange<T>(address: Address, nodeId: number | null, request: KafkaRequest<T>): Promise<T> {
    const key = `${address.host}:${address.port}`;
    try {
      const broker = await this.#node(key, address, nodeId);
      return await broker.connectionPool.send(exchangeOf(request));
    } catch (error) {
      throw asPipelineError(error, `asking broker ${key} for ${request.apiName}`);
    }
  }

  /** Both sockets of a node are opened here and nowhere else: kafkajs would race itself if two requests found one closed. */
  async #node(key: string, address: Address, nodeId: number | null): Promise<Broker> {
    const known = this.#nodes.get(key);
    if (known) {
      const broker = await known;
      if (broker.connectionPool.pool.every((connection) => connection.isConnected())) return broker;
      // Somebody else may have replaced it meanwhile.
      if (this.#nodes.get(key) === known) {
        this.#nodes.delete(key);
        void broker.disconnect();
      }
      return this.#node(key, address, nodeId);
    }
    const opening = openBroker(address, nodeId, this.#settings, this.buffers);
    this.#nodes.set(key, opening);
    opening.catch(() => {
      if (this.#nodes.get(key) === opening) this.#nodes.delete(key);
    });
    return opening;
  }
}

async function openBroker(
  address: Address,
  nodeId: number | null,
  settings: SocketSettings,
  buffers: BufferPool,
): Promise<Broker> {
  const broker = createBroker(address.host, address.port, nodeId, settings, buffers);
  try {
    await broker.connect();
    await broker.connectionPool.getConnection(1); // kafkajs sends Fetch over the second one
  } catch (error) {
    void broker.disconnect();
    throw error;
  }
  return broker;
}

function parseAddress(broker: string): Address {
  const colon = broker.lastIndexOf(':');
  return { host: broker.slice(0, colon).replace(/^\[|\]$/g, ''), port: Number(broker.slice(colon + 1)) };
}

const exchangeOf = <T>(request: KafkaRequest<T>): WireExchange<T> => ({
  request: {
    apiKey: request.apiKey,
    apiVersion: request.apiVersion,
    apiName: request.apiName,
    expectResponse: () => true,
    encode: () => {
      const body = Buffer.concat(request.body);
      return Promise.resolve({ buf: body, buffer: body });
    },
    pieces: request.body,
  },
  response: {
    decode: (payload) => {
      const reader = new WireReader(payload);
      const value = request.decode(reader);
      return Promise.resolve({ value, clientSideThrottleTime: reader.throttleMs });
    },
    parse: (decoded) => Promise.resolve(decoded.value),
  },
  logResponseError: false,
});

/** True where looking again may find what was asked: it moved, is loading, or its broker is away for a moment. */
export function isMoving(error: unknown): boolean {
  if (error instanceof BrokerError) return error.kind === 'refresh' || error.kind === 'busy';
  return error instanceof PipelineError && error.code === 'KAFKA_UNREACHABLE';
}

/** kafkajs's errors as ours; whatever else is thrown is a fault of this program and passes unchanged. */
function asPipelineError(error: unknown, what: string): unknown {
  if (!(error instanceof Error) || !error.name.startsWith('KafkaJS')) return error;
  const { name, message } = error;
  if (name === 'KafkaJSSASLAuthenticationError') {
    return new PipelineError('KAFKA_AUTHENTICATION', `${what}: ${message}`, { cause: error });
  }
  if (name === 'KafkaJSRequestTimeoutError') {
    return new PipelineError('KAFKA_TIMEOUT', `${what}: no answer in time`, {
      retryable: true,
      cause: error,
    });
  }
  return new PipelineError('KAFKA_UNREACHABLE', `${what}: ${message}`, { retryable: true, cause: error });
}

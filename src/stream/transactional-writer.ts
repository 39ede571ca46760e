import { setTimeout as delay } from 'node:timers/promises';
import { PipelineError } from '../core/errors.js';
import type { KafkaConnection } from './kafka-connection.js';
import { BrokerError, check } from './kafka-errors.js';
import type { RecordCursor } from './record-batch.js';
import { RecordBatchBuilder, type OutputRecord } from './record-batch-builder.js';
import {
  addPartitionsToTxnRequest,
  endTxnRequest,
  initProducerIdRequest,
  produceRequest,
  type PartitionError,
  type ProducedBatch,
  type ProducerIdentity,
} from './requests.js';

/** Where a processor puts its results. Nothing is sent before the transaction is committed. */
export interface Output {
  /** Copies the cursor's record as it is, with `added` (see `encodeHeader`) as one more header, or as `addedCount` more. */
  copy(
    topic: string,
    partition: number,
    cursor: RecordCursor,
    timestampMs: number,
    added?: Buffer,
    addedCount?: number,
  ): void;
  write(topic: string, partition: number, record: OutputRecord): void;
}

export interface WriterOptions {
  /** Fixed for a slice: whoever opens it next fences this one. */
  readonly transactionalId: string;
  /** How long a dead owner that nobody replaces holds back read_committed readers of the target. */
  readonly transactionTimeoutMs?: number;
  /** Batches are split here; a record larger than this goes alone. */
  readonly maxBatchBytes?: number;
}

/** Far below the default `max.message.bytes` of 1 MiB. */
export const MAX_BATCH_BYTES = 512 * 1024;

/** Pause before asking a coordinator again that is still finishing the previous transaction. */
const BUSY_PAUSE_MS = 2;
/** Produce requests under way per broker at once: brokers remember the last five batches of a producer and partition. */
const MAX_IN_FLIGHT = 4;
/** Room for a record's own lengths and deltas beside its bytes. */
const RECORD_OVERHEAD_BYTES = 64;
const MAX_SEQUENCE = 2 ** 31;

interface Target {
  readonly topic: string;
  readonly partition: number;
  readonly batches: RecordBatchBuilder[];
  /** Batches in use in this transaction; the builders behind them are kept for the next. */
  used: number;
}

/**
 * A Kafka transaction at a time (KIP-98). A writer lives until its first error: what the broker then holds is unknown, so
 * the owner drops all state and opens a new one, which fences this one and aborts what it left open.
 */
export class TransactionalWriter implements Output {
  readonly #connection: KafkaConnection;
  readonly #transactionalId: string;
  readonly #timeoutMs: number;
  readonly #maxBatchBytes: number;
  readonly #producer: ProducerIdentity;
  readonly #targets = new Map<string, Map<number, Target>>();
  readonly #sequences = new Map<Target, number>();
  readonly #coordinator: number;
  /** Topics whose leaders were looked up in this writer's life: an earlier one may have failed because they moved. */
  readonly #lookedUp = new Set<string>();
  #pendingBytes = 0;
  #broken: PipelineError | undefined;

  private constructor(
    connection: KafkaConnection,
    options: WriterOptions,
    coordinator: number,
    producer: ProducerIdentity,
  ) {
    this.#connection = connection;
    this.#transactionalId = options.transactionalId;
    this.#timeoutMs = options.transactionTimeoutMs ?? 15_000;
    this.#maxBatchBytes = options.maxBatchBytes ?? MAX_BATCH_BYTES;
    this.#coordinator = coordinator;
    this.#producer = producer;
  }

  /**
   * Takes the transactional id over: once this returns, every earlier owner is fenced and its open transaction is aborted
   * or, where it had begun to commit, committed.
   */
  static async open(connection: KafkaConnection, options: WriterOptions): Promise<TransactionalWriter> {
    const { transactionalId, transactionTimeoutMs = 15_000 } = options;
    return connection.whileMoving(async () => {
      const coordinator = await connection.transactionCoordinator(transactionalId);
      const answer = await whileBusy(connection.patienceMs, async () => {
        const found = await connection.send(
          coordinator,
          initProducerIdRequest(transactionalId, transactionTimeoutMs),
        );
        check(found.errorCode, `taking over ${transactionalId}`);
        return found;
      });
      return new TransactionalWriter(connection, options, coordinator, answer);
    });
  }

  /** Bytes of output that wait for `commit`. */
  get pendingBytes(): number {
    return this.#pendingBytes;
  }

  copy(
    topic: string,
    partition: number,
    cursor: RecordCursor,
    timestampMs: number,
    added?: Buffer,
    addedCount?: number,
  ): void {
    const bytes = cursor.headersEnd - cursor.keyValueStart + (added?.length ?? 0);
    this.#builder(topic, partition, bytes).copy(cursor, timestampMs, added, addedCount);
  }

  write(topic: string, partition: number, record: OutputRecord): void {
    let bytes = (record.key?.length ?? 0) + (record.value?.length ?? 0);
    for (const { name, value } of record.headers ?? []) bytes += name.length * 3 + (value?.length ?? 0) + 10;
    this.#builder(topic, partition, bytes).append(record);
  }

  #builder(topic: string, partition: number, recordBytes: number): RecordBatchBuilder {
    const target = this.#target(topic, partition);
    this.#pendingBytes += recordBytes;
    const open = target.used > 0 ? target.batches[target.used - 1] : undefined;
    if (open && open.sizeBytes + recordBytes + RECORD_OVERHEAD_BYTES <= this.#maxBatchBytes) return open;
    const next = target.batches[target.used] ?? new RecordBatchBuilder();
    next.reset();
    target.batches[target.used++] = next;
    return next;
  }

  #target(topic: string, partition: number): Target {
    let byPartition = this.#targets.get(topic);
    if (byPartition === undefined) this.#targets.set(topic, (byPartition = new Map<number, Target>()));
    let target = byPartition.get(partition);
    if (target === undefined)
      byPartition.set(partition, (target = { topic, partition, batches: [], used: 0 }));
    return target;
  }

  /**
   * Writes everything since the last commit in one transaction: AddPartitionsToTxn, Produce, EndTxn.
   * @throws PipelineError `FENCED` (retryable) when another owner took over; any error leaves the writer unusable.
   */
  async commit(): Promise<void> {
    if (this.#broken) throw this.#broken;
    const targets = [...this.#targets.values()].flatMap((byPartition) =>
      [...byPartition.values()].filter(({ used }) => used > 0),
    );
    // Brokers refuse to end a transaction that nothing was added to (48, INVALID_TXN_STATE).
    if (targets.length === 0) return;
    try {
      await this.#addPartitions(targets);
      await this.#produce(targets);
      await this.#end();
    } catch (error) {
      this.#broken = fencedOrAsIs(error, this.#transactionalId);
      throw this.#broken;
    }
    for (const target of targets) target.used = 0;
    this.#pendingBytes = 0;
  }

  async #addPartitions(targets: readonly Target[]): Promise<void> {
    const topics = [...new Set(targets.map(({ topic }) => topic))].map((topic) => ({
      topic,
      partitions: targets.filter((target) => target.topic === topic).map(({ partition }) => partition),
    }));
    const request = addPartitionsToTxnRequest(this.#transactionalId, this.#producer, topics);
    await this.#askCoordinator(async (coordinator) => {
      checkAll(await this.#connection.send(coordinator, request), 'adding partitions to a transaction');
    });
  }

  /** Round n sends the n-th batch of every partition: a Produce request may hold one batch per partition. */
  async #produce(targets: readonly Target[]): Promise<void> {
    const inFlight: Promise<void>[] = [];
    const rounds = Math.max(...targets.map(({ used }) => used));
    try {
      for (let round = 0; round < rounds; round++) {
        for (const [leader, batches] of await this.#round(targets, round)) {
          if (inFlight.length >= MAX_IN_FLIGHT) await inFlight.shift();
          const sending = this.#send(leader, batches);
          sending.catch(() => undefined); // awaited below
          inFlight.push(sending);
        }
      }
      await Promise.all(inFlight);
    } finally {
      // Builders are reused: none may be touched while a request still reads them.
      await Promise.allSettled(inFlight);
    }
  }

  async #round(targets: readonly Target[], round: number): Promise<Map<number, ProducedBatch[]>> {
    const byLeader = new Map<number, ProducedBatch[]>();
    for (const target of targets) {
      const builder = round < target.used ? target.batches[round] : undefined;
      if (builder === undefined) continue;
      const { topic, partition } = target;
      const leader = await this.#connection.leader(topic, partition, !this.#lookedUp.has(topic));
      this.#lookedUp.add(topic);
      const baseSequence = this.#sequences.get(target) ?? 0;
      this.#sequences.set(target, (baseSequence + builder.count) % MAX_SEQUENCE);
      const batch = builder.seal({ ...this.#producer, baseSequence, isTransactional: true });
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), { topic, partition, batch }]);
    }
    return byLeader;
  }

  async #send(leader: number, batches: readonly ProducedBatch[]): Promise<void> {
    const request = produceRequest(this.#transactionalId, batches, this.#timeoutMs);
    checkAll(await this.#connection.send(leader, request), 'producing');
  }

  async #end(): Promise<void> {
    const request = endTxnRequest(this.#transactionalId, this.#producer, true);
    await this.#askCoordinator(async (coordinator) => {
      check(await this.#connection.send(coordinator, request), 'committing a transaction');
    });
  }

  /** A coordinator that is still finishing the previous transaction (51) is asked again; nothing else is. */
  async #askCoordinator(ask: (coordinator: number) => Promise<void>): Promise<void> {
    await whileBusy(this.#connection.patienceMs, () => ask(this.#coordinator));
  }
}

async function whileBusy<T>(patienceMs: number, attempt: () => Promise<T>): Promise<T> {
  const deadline = performance.now() + patienceMs;
  for (;;) {
    try {
      return await attempt();
    } catch (error) {
      const busy = error instanceof BrokerError && error.kind === 'busy';
      if (!busy || performance.now() > deadline) throw error;
      await delay(BUSY_PAUSE_MS);
    }
  }
}

function checkAll(errors: readonly PartitionError[], what: string): void {
  // Fenced first: it says more than what the other partitions answer then (OPERATION_NOT_ATTEMPTED).
  const faults = errors
    .filter(({ errorCode }) => errorCode !== 0)
    .map(({ errorCode, topic, partition }) => {
      return new BrokerError(errorCode, `${what} to ${topic}-${partition}`, { topic, partition });
    });
  const fault =
    faults.find(({ kind }) => kind === 'fenced') ?? faults.find(({ kind }) => kind === 'fatal') ?? faults[0];
  if (fault) throw fault;
}

function fencedOrAsIs(error: unknown, transactionalId: string): PipelineError {
  if (error instanceof BrokerError && error.kind === 'fenced') {
    return new PipelineError('FENCED', `writing as ${transactionalId}: another owner took over`, {
      retryable: true,
      cause: error,
    });
  }
  if (error instanceof PipelineError) return error;
  return new PipelineError('WRITE_FAILED', `writing as ${transactionalId}`, { cause: error });
}

import { PipelineError, type Coordinates } from '../core/errors.js';

/**
 * Kafka's error codes (https://kafka.apache.org/protocol#protocol_error_codes) as what this engine does about them.
 * - `refresh`: the partition or coordinator moved or is not ready: look it up again and repeat the request;
 * - `busy`: the coordinator is still finishing the previous transaction: repeat shortly;
 * - `fenced`: another owner of the transactional id opened it, or the broker timed the transaction out (it looks the same);
 * - `reopen`: the producer's state is unknown: drop everything and open anew;
 * - `fatal`: repeating cannot help.
 */
export type ErrorKind = 'refresh' | 'busy' | 'fenced' | 'reopen' | 'fatal';

interface KnownError {
  readonly name: string;
  readonly kind: ErrorKind;
}

const KNOWN: Readonly<Record<number, KnownError>> = {
  1: { name: 'OFFSET_OUT_OF_RANGE', kind: 'fatal' },
  2: { name: 'CORRUPT_MESSAGE', kind: 'reopen' },
  3: { name: 'UNKNOWN_TOPIC_OR_PARTITION', kind: 'refresh' },
  5: { name: 'LEADER_NOT_AVAILABLE', kind: 'refresh' },
  6: { name: 'NOT_LEADER_OR_FOLLOWER', kind: 'refresh' },
  7: { name: 'REQUEST_TIMED_OUT', kind: 'reopen' },
  8: { name: 'BROKER_NOT_AVAILABLE', kind: 'refresh' },
  9: { name: 'REPLICA_NOT_AVAILABLE', kind: 'refresh' },
  10: { name: 'MESSAGE_TOO_LARGE', kind: 'fatal' },
  13: { name: 'NETWORK_EXCEPTION', kind: 'reopen' },
  14: { name: 'COORDINATOR_LOAD_IN_PROGRESS', kind: 'busy' },
  15: { name: 'COORDINATOR_NOT_AVAILABLE', kind: 'refresh' },
  16: { name: 'NOT_COORDINATOR', kind: 'refresh' },
  17: { name: 'INVALID_TOPIC', kind: 'fatal' },
  18: { name: 'RECORD_LIST_TOO_LARGE', kind: 'fatal' },
  19: { name: 'NOT_ENOUGH_REPLICAS', kind: 'reopen' },
  20: { name: 'NOT_ENOUGH_REPLICAS_AFTER_APPEND', kind: 'reopen' },
  29: { name: 'TOPIC_AUTHORIZATION_FAILED', kind: 'fatal' },
  31: { name: 'CLUSTER_AUTHORIZATION_FAILED', kind: 'fatal' },
  32: { name: 'INVALID_TIMESTAMP', kind: 'fatal' },
  35: { name: 'UNSUPPORTED_VERSION', kind: 'fatal' },
  45: { name: 'OUT_OF_ORDER_SEQUENCE_NUMBER', kind: 'reopen' },
  46: { name: 'DUPLICATE_SEQUENCE_NUMBER', kind: 'reopen' },
  47: { name: 'INVALID_PRODUCER_EPOCH', kind: 'fenced' },
  48: { name: 'INVALID_TXN_STATE', kind: 'reopen' },
  49: { name: 'INVALID_PRODUCER_ID_MAPPING', kind: 'reopen' },
  50: { name: 'INVALID_TRANSACTION_TIMEOUT', kind: 'fatal' },
  51: { name: 'CONCURRENT_TRANSACTIONS', kind: 'busy' },
  52: { name: 'TRANSACTION_COORDINATOR_FENCED', kind: 'reopen' },
  53: { name: 'TRANSACTIONAL_ID_AUTHORIZATION_FAILED', kind: 'fatal' },
  55: { name: 'OPERATION_NOT_ATTEMPTED', kind: 'reopen' },
  56: { name: 'KAFKA_STORAGE_ERROR', kind: 'refresh' },
  58: { name: 'SASL_AUTHENTICATION_FAILED', kind: 'fatal' },
  59: { name: 'UNKNOWN_PRODUCER_ID', kind: 'reopen' },
  74: { name: 'FENCED_LEADER_EPOCH', kind: 'refresh' },
  75: { name: 'UNKNOWN_LEADER_EPOCH', kind: 'refresh' },
  76: { name: 'UNSUPPORTED_COMPRESSION_TYPE', kind: 'fatal' },
  78: { name: 'OFFSET_NOT_AVAILABLE', kind: 'refresh' },
  87: { name: 'INVALID_RECORD', kind: 'fatal' },
  90: { name: 'PRODUCER_FENCED', kind: 'fenced' },
  100: { name: 'UNKNOWN_TOPIC_ID', kind: 'refresh' },
  120: { name: 'TRANSACTION_ABORTABLE', kind: 'reopen' },
};

export const OFFSET_OUT_OF_RANGE = 1;

/** An error code from a broker. `code` reads `KAFKA_<NAME>`; everything but `fatal` may be tried again by a new attempt. */
export class BrokerError extends PipelineError {
  readonly kind: ErrorKind;
  readonly brokerCode: number;

  constructor(brokerCode: number, what: string, at: Coordinates = {}) {
    const { name, kind } = KNOWN[brokerCode] ?? { name: `ERROR_${String(brokerCode)}`, kind: 'fatal' };
    super(`KAFKA_${name}`, `${what}: the broker answered ${name} (${String(brokerCode)})`, {
      retryable: kind !== 'fatal',
      at,
    });
    this.kind = kind;
    this.brokerCode = brokerCode;
  }
}

/** @throws BrokerError unless `code` is 0. */
export function check(code: number, what: string, at: Coordinates = {}): void {
  if (code !== 0) throw new BrokerError(code, what, at);
}

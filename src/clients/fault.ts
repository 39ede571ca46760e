import { PipelineError } from '../core/errors.js';

/**
 * Faults of the systems we talk to, as our one error. Their own messages are left out, as they may quote rows or
 * connection strings: the code names the fault, and the query id or the service's log tells the rest.
 */

export type Service = 'clickhouse' | 'postgres' | 'mongo' | 'kafka' | 'temporal';

const TITLE: Record<Service, string> = {
  clickhouse: 'ClickHouse',
  postgres: 'PostgreSQL',
  mongo: 'MongoDB',
  kafka: 'Kafka',
  temporal: 'Temporal',
};

type Verdict =
  | { readonly kind: 'unreachable' }
  | { readonly kind: 'sign-in' }
  | { readonly kind: 'fault'; readonly retryable: boolean; readonly name: string };

/** `doing` reads "gerund and thing". Keeps a PipelineError as it is. */
export function serviceFault(service: Service, doing: string, cause: unknown): PipelineError {
  if (cause instanceof PipelineError) return cause;
  const code = service.toUpperCase();
  const at = { service };
  const verdict = judge(service, cause);
  switch (verdict.kind) {
    case 'unreachable': {
      const message = `${doing}: no answer from ${TITLE[service]} (is the stack up?)`;
      return new PipelineError(`${code}_UNREACHABLE`, message, { retryable: true, at, cause });
    }
    case 'sign-in': {
      const message = `${doing}: ${TITLE[service]} refused the user name, the password or the access`;
      return new PipelineError(`${code}_REFUSED`, message, { at, cause });
    }
    case 'fault': {
      const { retryable, name } = verdict;
      const message = `${doing}: ${TITLE[service]} says ${name}`;
      return new PipelineError(`${code}_FAILED`, message, { retryable, at: { ...at, fault: name }, cause });
    }
  }
}

function judge(service: Service, cause: unknown): Verdict {
  const { name, code } = shapeOf(cause);
  if (NETWORK.has(code) || UNREACHABLE_NAMES.has(name)) return { kind: 'unreachable' };
  switch (service) {
    case 'clickhouse':
      return judgeClickHouse(code, shapeOf(cause).type || name);
    case 'postgres':
      return judgePostgres(code, name);
    case 'mongo':
      // 18: AuthenticationFailed, 13: Unauthorized.
      if (code === '18' || code === '13') return { kind: 'sign-in' };
      return { kind: 'fault', retryable: true, name: code === '' ? name : `${name} ${code}` };
    case 'kafka':
      if (name === 'KafkaJSSASLAuthenticationError') return { kind: 'sign-in' };
      return { kind: 'fault', retryable: true, name };
    case 'temporal':
      return { kind: 'fault', retryable: true, name };
  }
}

/** Names and numbers of ClickHouse's ErrorCodes.cpp. */
const CLICKHOUSE_SIGN_IN = new Set(['516', '497', '192', '193', '194']);
/** What the same statement meets again: UNKNOWN_TABLE, UNKNOWN_DATABASE, UNKNOWN_IDENTIFIER, SYNTAX_ERROR, TYPE_MISMATCH ... */
const CLICKHOUSE_LASTING = new Set(['60', '81', '47', '62', '53', '16', '36', '43', '48', '46']);

function judgeClickHouse(code: string, type: string): Verdict {
  if (CLICKHOUSE_SIGN_IN.has(code)) return { kind: 'sign-in' };
  return { kind: 'fault', retryable: !CLICKHOUSE_LASTING.has(code), name: type };
}

/** SQLSTATE classes that pass: connection, resources, operator intervention, serialization. */
const POSTGRES_PASSING = new Set(['08', '53', '57', '40', '55']);

function judgePostgres(code: string, name: string): Verdict {
  // 28: invalid authorization; 42501: insufficient privilege.
  if (code.startsWith('28') || code === '42501') return { kind: 'sign-in' };
  // 57P01..57P03: shutting down or starting up.
  if (code.startsWith('57P') || code === '') return { kind: 'unreachable' };
  return { kind: 'fault', retryable: POSTGRES_PASSING.has(code.slice(0, 2)), name: `${name} ${code}` };
}

const NETWORK = new Set([
  'ECONNREFUSED',
  'ECONNRESET',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'ETIMEDOUT',
  'EPIPE',
  'UND_ERR_SOCKET',
]);

const UNREACHABLE_NAMES = new Set([
  'MongoServerSelectionError',
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoTopologyClosedError',
  'KafkaJSConnectionError',
  'KafkaJSConnectionClosedError',
  'KafkaJSNumberOfRetriesExceeded',
]);

/** The parts of a foreign error that say what it is; its message is not one of them. */
function shapeOf(cause: unknown): { name: string; code: string; type: string } {
  if (typeof cause !== 'object' || cause === null) return { name: typeof cause, code: '', type: '' };
  const { name, code, type } = cause as { name?: unknown; code?: unknown; type?: unknown };
  const text = (value: unknown): string =>
    typeof value === 'string' || typeof value === 'number' ? String(value) : '';
  // Sockets closed by the peer reach us as a plain Error, told apart by its message alone.
  const hungUp = cause instanceof Error && /socket hang up|timeout error/i.test(cause.message);
  return { name: text(name) || 'Error', code: hungUp ? 'ECONNRESET' : text(code), type: text(type) };
}

/** ClickHouse's numeric error code, '' for any other fault. */
export const clickHouseCode = (cause: unknown): string =>
  cause instanceof PipelineError
    ? clickHouseCode(cause.cause)
    : shapeOf(cause).type === ''
      ? ''
      : shapeOf(cause).code;

/** What Kafka Connect says of a connector or of one of its tasks. */
interface Part {
  readonly state: string;
  /** Java's stack trace, of a failed one. */
  readonly trace?: string | undefined;
}

export interface ConnectorParts {
  readonly connector: Part;
  readonly tasks: readonly Part[];
}

/** Errors of Kafka (org.apache.kafka.common.errors) that a new start of the task is past: all its brokers and fences. */
const KAFKA_PASSES = new Set(
  [
    'BrokerNotAvailable',
    'ConcurrentTransactions',
    'CoordinatorLoadInProgress',
    'CoordinatorNotAvailable',
    'Disconnect',
    'InvalidPidMapping',
    'InvalidProducerEpoch',
    'InvalidTxnState',
    'KafkaStorage',
    'LeaderNotAvailable',
    'Network',
    'NotCoordinator',
    'NotEnoughReplicas',
    'NotEnoughReplicasAfterAppend',
    'NotLeaderOrFollower',
    'OutOfOrderSequence',
    'ProducerFenced',
    'Timeout',
    'TransactionAborted',
    'UnknownProducerId',
  ].map((name) => `org.apache.kafka.common.errors.${name}Exception`),
);

/** Errors of the JVM and of MongoDB's driver for a server that is not there, or not yet. */
const CONNECTION_PASSES =
  /^(java\.net\.(Connect|NoRouteToHost|Socket|SocketTimeout|UnknownHost)|java\.util\.concurrent\.Timeout|com\.mongodb\.Mongo(NodeIsRecovering|NotPrimary|Timeout|Socket\w*))Exception$/;

/** Connect's own words for a Kafka that did not answer in time. */
const MESSAGE_PASSES = [
  'Failed to read to end of config topic',
  'Timed out while attempting to',
  'closed forcefully',
];

/**
 * Whether a failure lay in servers that did not answer or in a fence, so that a new start may well succeed: a publication
 * that does not exist, a slot that is gone or a refused password want a human, and a new start would only hide them.
 */
export function passesByItself(trace = ''): boolean {
  const lines = trace.split('\n').filter((line) => !/^\s/.test(line));
  return lines.some((line) => {
    const [, name = '', message = ''] = /^(?:Caused by: )?([\w.$]+)(?:: (.*))?$/.exec(line.trim()) ?? [];
    return (
      KAFKA_PASSES.has(name) ||
      CONNECTION_PASSES.test(name) ||
      MESSAGE_PASSES.some((words) => message.includes(words))
    );
  });
}

const FIRST_PAUSE_MS = 5_000;
const LONGEST_PAUSE_MS = 5 * 60_000;
/** A connector that has run this long has got over what it failed of. */
const WELL_AFTER_MS = 60_000;

/** When to start a failed connector anew: at once, then after pauses that double while it goes on failing. */
export class RestartPolicy {
  #pauseMs = 0;
  #notBeforeMs = -Infinity;
  #failedAtMs = -Infinity;

  /** @returns whether to start what has failed anew, now. A failure that wants a human is let be. */
  isDue({ connector, tasks }: ConnectorParts, nowMs: number): boolean {
    const failed = [connector, ...tasks].filter(({ state }) => state === 'FAILED');
    if (failed.length === 0) {
      if (nowMs - this.#failedAtMs >= WELL_AFTER_MS) this.#pauseMs = 0;
      return false;
    }
    this.#failedAtMs = nowMs;
    if (nowMs < this.#notBeforeMs || !failed.every(({ trace }) => passesByItself(trace))) return false;
    this.#pauseMs = Math.min(Math.max(FIRST_PAUSE_MS, 2 * this.#pauseMs), LONGEST_PAUSE_MS);
    this.#notBeforeMs = nowMs + this.#pauseMs;
    return true;
  }
}

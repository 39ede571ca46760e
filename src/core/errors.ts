/** Where a fault was seen. Coordinates only: never a secret, never a row's value. */
export interface Coordinates {
  readonly topic?: string;
  readonly partition?: number;
  /** Kafka offset as a decimal string, as everywhere across a boundary. */
  readonly offset?: string;
  readonly table?: string;
  readonly day?: string;
  readonly service?: string;
  readonly [key: string]: string | number | undefined;
}

/**
 * The one error of Tidemark. `retryable` is decided where the fault is known; `to-failure.ts` turns it into
 * Temporal's ApplicationFailure. Messages read "gerund and thing: what happened".
 */
export class PipelineError extends Error {
  override readonly name = 'PipelineError';
  readonly code: string;
  readonly retryable: boolean;
  readonly at: Coordinates;

  constructor(
    code: string,
    message: string,
    options: { retryable?: boolean; at?: Coordinates; cause?: unknown } = {},
  ) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.at = options.at ?? {};
  }
}

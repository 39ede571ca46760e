import { createRequire } from 'node:module';
import { PipelineError } from '../core/errors.js';
import { inPiecesOr, type CreateRequest } from './kafkajs-requests.js';

/**
 * What has to be true of kafkajs before anything of it is used; imported by whoever opens connections with it. It may be
 * reached into because its version is pinned exactly and checked when this module loads.
 */
const KAFKAJS_VERSION = '2.2.4';

/** What waits to be sent on a connection: while the broker throttles, or too much is under way. */
interface RequestQueue {
  readonly pending: readonly unknown[];
  scheduleCheckPendingRequests: (this: RequestQueue) => void;
}

/** Loads a module of kafkajs by its path within the package. */
export const requireKafkajs = createRequire(import.meta.url);

const { version } = requireKafkajs('kafkajs/package.json') as { readonly version: string };
if (version !== KAFKAJS_VERSION) {
  throw new PipelineError(
    'KAFKAJS_VERSION',
    `loading kafkajs: it is used below its public API, so it must be ${KAFKAJS_VERSION}, not ${version}`,
  );
}
replace('kafkajs/src/protocol/request', (ofKafkajs) => inPiecesOr(ofKafkajs as CreateRequest));
const queues = requireKafkajs('kafkajs/src/network/requestQueue') as { readonly prototype: RequestQueue };
restWhenIdle(queues.prototype);

/** For the modules of kafkajs that are loaded from now on. */
function replace(path: string, by: (exports: unknown) => unknown): void {
  const exports: unknown = requireKafkajs(path);
  requireKafkajs.cache[requireKafkajs.resolve(path)]!.exports = by(exports);
}

/**
 * A queue with nothing in it looks again after a millisecond, and so for ever, on every connection: some 4 % of a core in
 * a process at rest. Nothing has to be looked for: whatever is added later schedules its own look.
 */
function restWhenIdle(queue: RequestQueue): void {
  const schedule = queue.scheduleCheckPendingRequests;
  queue.scheduleCheckPendingRequests = function () {
    if (this.pending.length > 0) schedule.call(this);
  };
}

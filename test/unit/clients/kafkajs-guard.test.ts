import assert from 'node:assert/strict';
import { requireKafkajs } from '../../../src/clients/kafkajs-guard.js';

interface Queue {
  pending: unknown[];
  throttledUntil: number;
  throttleCheckTimeoutId: NodeJS.Timeout | null;
  push(request: object): void;
  maybeThrottle(ms: number): void;
  destroy(): void;
}
type QueueClass = new (options: object) => Queue;

const RequestQueue = requireKafkajs('kafkajs/src/network/requestQueue') as QueueClass;
const logger = { debug: () => undefined };

describe('a queue of requests of kafkajs', () => {
  let queue: Queue;
  beforeEach(() => {
    queue = new RequestQueue({
      maxInFlightRequests: null,
      requestTimeout: 1_000,
      enforceRequestTimeout: false,
      clientId: 'test',
      broker: 'nowhere:1',
      logger,
    });
  });
  afterEach(() => queue.destroy());

  it('sets no timer while nothing waits in it, throttled or not', () => {
    queue.maybeThrottle(0);
    assert.equal(queue.throttleCheckTimeoutId, null);
    queue.maybeThrottle(60_000);
    assert.equal(queue.throttleCheckTimeoutId, null);
  });

  it('sends what was added while the broker throttled once that is over', async () => {
    queue.maybeThrottle(20);
    const sent = new Promise<number>((resolve, reject) => {
      const entry = {
        apiKey: 0,
        apiVersion: 0,
        apiName: 'Produce',
        correlationId: 1,
        resolve: Date.now,
        reject,
      };
      queue.push({ entry, expectResponse: false, sendRequest: () => resolve(Date.now()) });
    });
    assert.equal(queue.pending.length, 1);
    const untilMs = queue.throttledUntil;
    assert.ok((await sent) >= untilMs);
    assert.equal(queue.pending.length, 0);
  });
});

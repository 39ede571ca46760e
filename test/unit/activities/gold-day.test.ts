import assert from 'node:assert/strict';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  type Client,
  type WorkflowHandle,
} from '@temporalio/client';
import { startGoldDay } from '../../../src/activities/gold-day.js';

const DAY = '2026-11-20';
const ID = `gold-day/${DAY}`;

/** A Temporal with a run of the day under way, which a cancellation was asked of or not. */
class RunUnderWay {
  readonly seen: string[] = [];
  readonly client: Client;
  #isUnderWay = true;

  constructor(cancelRequested: boolean) {
    const run = {
      workflowId: ID,
      result: () => {
        this.seen.push('ended');
        this.#isUnderWay = false;
        return Promise.reject(new WorkflowFailedError('cancelled', undefined, 'NON_RETRYABLE_FAILURE'));
      },
      describe: () => Promise.resolve({ runId: 'first', raw: { workflowExtendedInfo: { cancelRequested } } }),
    };
    const workflow = {
      start: () => {
        if (this.#isUnderWay) {
          return Promise.reject(new WorkflowExecutionAlreadyStartedError('there is one', ID, 'goldDay'));
        }
        this.seen.push('started anew');
        return Promise.resolve({ ...run, workflowId: 'new' });
      },
      executeUpdateWithStart: () => {
        this.seen.push('asked');
        return Promise.resolve();
      },
      getHandle: () => run as unknown as WorkflowHandle,
    };
    this.client = { workflow } as unknown as Client;
  }
}

describe('activities/gold-day', () => {
  it('joins the run under way', async () => {
    const { client, seen } = new RunUnderWay(false);
    assert.equal((await startGoldDay(client, { day: DAY })).workflowId, ID);
    assert.deepEqual(seen, ['asked']);
  });

  it('joins none that is being cancelled: it waits for its end, and starts another', async () => {
    const { client, seen } = new RunUnderWay(true);
    assert.equal((await startGoldDay(client, { day: DAY })).workflowId, 'new');
    assert.deepEqual(seen, ['asked', 'ended', 'started anew']);
  });
});

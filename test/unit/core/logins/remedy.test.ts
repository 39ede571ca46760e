import assert from 'node:assert/strict';
import type { DeadLetter } from '../../../../src/core/dead-letter.js';
import { loginRemedy } from '../../../../src/core/logins/remedy.js';

const SAMPLE = {
  user_id: '424CDD21-063a-43a7-b91b-7ca1a833afae',
  app_version: '2.3.0',
  device_type: 'iPhone',
  ip: '199.172.111.135',
  locale: 'en_us',
  device_id: '593-47-5928',
  timestamp: '1694479551',
};
const LETTER: DeadLetter = {
  stage: 'validate',
  reason: 'MISSING_IP',
  reasons: ['MISSING_IP'],
  source: { topic: 'user-login', topicId: 'a'.repeat(32), partition: 3, offset: 9, timestampMs: 2 },
  job: 'logins',
  attempt: 0,
  failedAtMs: 3,
};
const OPENED = { letter: LETTER, original: [{ name: 'trace', value: Buffer.from('t-1') }] };
const bytes = Buffer.from(JSON.stringify(SAMPLE));

describe('the remedy for a login that is a dead letter', () => {
  it('make the record that the job would write', () => {
    const verdict = loginRemedy()(bytes, OPENED);
    assert.ok(verdict.outcome === 'clean');
    assert.equal(verdict.key?.toString(), SAMPLE.user_id.toLowerCase());
    assert.deepEqual(JSON.parse(verdict.value.toString()), {
      user_id: SAMPLE.user_id.toLowerCase(),
      app_version: '2.3.0',
      version: { major: 2, minor: 3, patch: 0 },
      device_type: 'ios',
      ip: '199.172.111.0',
      locale: 'EN-US',
      device_id: '593-47-5928',
      ts: '2023-09-12T00:45:51.000Z',
    });
  });

  for (const [value, outcome, reason] of [
    [null, 'filtered', 'TOMBSTONE'],
    [Buffer.from([0xff]), 'dlq', 'INVALID_UTF8'],
    [Buffer.from(JSON.stringify({ ...SAMPLE, ip: '' })), 'dlq', 'MISSING_IP'],
  ] as const) {
    it(`say ${reason} where that is still so`, () => {
      assert.deepEqual(loginRemedy()(value, OPENED), { outcome, reason });
    });
  }

  for (const [filter, said] of [
    ['value.device_type == "ios"', 'clean'],
    ['partition == 3 && offset == 9 && headers["trace"] == "t-1"', 'clean'],
    ['value.device_type == "web"', 'FILTERED'],
    ['value.nothing == 1', 'FILTER_UNDECIDED'],
  ] as const) {
    it(`ask the job's filter: ${filter} gives ${said}`, () => {
      const verdict = loginRemedy(undefined, filter)(bytes, OPENED);
      assert.equal(verdict.outcome === 'clean' ? 'clean' : verdict.reason, said);
    });
  }

  it('refuse a filter that is no expression', () => {
    assert.throws(() => loginRemedy(undefined, 'value ='), { code: 'BAD_SELECTION' });
  });
});

import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { generateLogins, type LoginMessage } from '../../../src/generate/logins.js';
import { LoginCounter, type LoginAnswer } from '../../../src/generate/logins-answer.js';
import { loginOptions, type LoginOptions } from '../../../src/generate/logins-options.js';
import { readLogins } from './logins-reading.js';

const make = (given: Partial<LoginOptions>): { messages: LoginMessage[]; answers: LoginAnswer[] } => {
  const options = loginOptions({ messages: 15_000, rate: 10, users: 1_000, ...given });
  const counter = new LoginCounter(options.partitions);
  const messages: LoginMessage[] = [];
  const answers: LoginAnswer[] = [];
  for (const message of generateLogins(options)) {
    messages.push(message);
    counter.add(message);
    answers.push(...counter.close(message.atMs));
  }
  return { messages, answers: [...answers, ...counter.finish()] };
};

const digest = (messages: readonly LoginMessage[]): string => {
  const hash = createHash('sha256');
  for (const { partition, key, value } of messages)
    hash.update(`${partition}\n${key?.toString() ?? 'null'}\n${value?.toString('latin1') ?? 'null'}\n`);
  return hash.digest('hex');
};

const text = (answers: readonly LoginAnswer[]): string[] =>
  answers.map((answer) => JSON.stringify(answer)).sort();

describe('generate/logins', () => {
  it('makes the same of the same options and something else of another seed', () => {
    const some = { messages: 3_000 };
    assert.equal(digest(make(some).messages), digest(make(some).messages));
    assert.notEqual(digest(make(some).messages), digest(make({ ...some, seed: 2 }).messages));
    // Golden: a change here changes every answer that was ever written for a seed.
    assert.equal(digest(make(some).messages).slice(0, 16), '20b44e2be4b37208');
  });

  it('knows the exact answer: it is what reading the bytes with plain rules gives', () => {
    const { messages, answers } = make({ bursts: 5, sharedDevices: 4, hopping: 6, downgrades: 3 });
    const read = readLogins(messages, { partitions: 4, latenessS: 3_600 });
    assert.deepEqual(text(answers), text(read.answers));
    for (const [index, { truth }] of messages.entries()) {
      if (truth.outcome === 'clean') assert.deepEqual(read.records[index], truth.record);
    }
  });

  it('has every kind of fault and incident in it, in about the shares asked for', () => {
    const { messages, answers } = make({});
    const count = new Map<string, number>();
    for (const { truth } of messages) {
      const name = truth.outcome === 'clean' ? 'clean' : truth.reason;
      count.set(name, (count.get(name) ?? 0) + 1);
    }
    const fields = ['USER_ID', 'APP_VERSION', 'DEVICE_TYPE', 'IP', 'LOCALE', 'DEVICE_ID', 'TIMESTAMP'];
    const sum = (names: readonly string[]): number =>
      names.reduce((total, name) => {
        assert.ok((count.get(name) ?? 0) > 0, name);
        return total + count.get(name)!;
      }, 0);
    // Binomial, n = 15,000: five standard deviations.
    const near = (found: number, share: number): void => {
      const deviation = Math.sqrt(15_000 * share * (1 - share));
      assert.ok(Math.abs(found - 15_000 * share) < 5 * deviation, `${found} for ${share}`);
    };
    near(sum(fields.map((field) => `MISSING_${field}`)), 0.02);
    near(sum(fields.map((field) => `INVALID_${field}`)), 0.01);
    near(sum(['INVALID_UTF8', 'INVALID_JSON', 'NOT_AN_OBJECT']), 0.01);
    near(sum(['UNKNOWN_DEVICE_TYPE']), 0.005);
    near(sum(['DUPLICATE']), 0.01);
    near(sum(['TOMBSTONE']), 0.001);
    assert.ok(sum(['TOO_LATE']) > 35);
    near(messages.filter(({ key }) => key === null).length, 0.02);
    // 25 minutes from a full hour on touch three windows of ten minutes: three incidents of a kind in each.
    for (const kind of ['BURST', 'SHARED_DEVICE', 'DEVICE_HOPPING', 'IMPOSSIBLE_VERSION']) {
      const found = answers.filter((answer) => answer.type === 'alert' && answer.kind === kind).length;
      assert.equal(found, 9, kind);
    }
  });

  it('puts all incidents into a run of a few seconds', () => {
    const { answers } = make({ messages: 10_000, rate: 1_000, users: 60_000 });
    const alerts = answers.filter(({ type }) => type === 'alert');
    assert.equal(alerts.length, 12);
  });

  it('refuses options by name, all at once', () => {
    assert.throws(() => loginOptions({ messages: -1, late: 0.5, missing: 2, rate: 100, users: 10 }), {
      code: 'BAD_OPTIONS',
      message: /messages: .*missing: .*together.*late: .*users: /,
    });
  });
});

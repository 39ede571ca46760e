import assert from 'node:assert/strict';
import { z } from 'zod';
import fc from 'fast-check';
import { cleanLogin, judge, type Judgement } from '../../../../src/core/logins/judge.js';
import { LOGIN_RULES, type LoginRules } from '../../../../src/core/logins/rules.js';

const SAMPLE = {
  user_id: '424cdd21-063a-43a7-b91b-7ca1a833afae',
  app_version: '2.3.0',
  device_type: 'android',
  ip: '199.172.111.135',
  locale: 'RU',
  device_id: '593-47-5928',
  timestamp: '1694479551',
};
const of = (value: unknown): Judgement => judge(Buffer.from(JSON.stringify(value)));
const withField = (field: string, value: unknown): Judgement => of({ ...SAMPLE, [field]: value });

function fieldOf(judgement: Judgement, field: keyof typeof SAMPLE): unknown {
  assert.equal(judgement.outcome, 'valid', JSON.stringify(judgement));
  return judgement.login[field];
}

function assertReasons(judgement: Judgement, ...reasons: string[]): void {
  assert.equal(judgement.outcome, 'dlq', JSON.stringify(judgement));
  assert.deepEqual([judgement.reason, judgement.reasons], [reasons[0], reasons]);
}

describe('the judgement of a login message', () => {
  it('cleans the sample', () => {
    const judgement = of(SAMPLE);
    assert.equal(judgement.outcome, 'valid');
    assert.deepEqual(cleanLogin(judgement.login), {
      user_id: '424cdd21-063a-43a7-b91b-7ca1a833afae',
      app_version: '2.3.0',
      version: { major: 2, minor: 3, patch: 0 },
      device_type: 'android',
      ip: '199.172.111.0',
      locale: 'RU',
      device_id: '593-47-5928',
      ts: '2023-09-12T00:45:51.000Z',
    });
  });

  const accepted: [field: keyof typeof SAMPLE, given: unknown, cleaned: unknown][] = [
    ['user_id', '424CDD21-063A-43A7-B91B-7CA1A833AFAE', '424cdd21-063a-43a7-b91b-7ca1a833afae'],
    ['app_version', '0.10.123456789', { major: 0, minor: 10, patch: 123_456_789 }],
    ['device_type', ' Android ', 'android'],
    ['device_type', 'iPhone', 'ios'],
    ['device_type', 'iPad', 'ios'],
    ['device_type', 'I OS', 'ios'],
    ['device_type', 'WEB', 'web'],
    ['ip', '2001:db8:1:2:3:4:5:6', '2001:db8:1::'],
    ['ip', '::ffff:192.0.2.77', '192.0.2.0'],
    ['locale', 'ru', 'RU'],
    ['locale', 'en_us', 'EN-US'],
    ['locale', 'es-419', 'ES-419'],
    ['device_id', 'x'.repeat(64), 'x'.repeat(64)],
    ['device_id', 'Ünï côdé 📱', 'Ünï côdé 📱'],
    ['timestamp', 1_694_479_551, 1_694_479_551_000],
    ['timestamp', 1_694_479_551_123, 1_694_479_551_123],
    ['timestamp', '1694479551.5', 1_694_479_551_500],
    ['timestamp', 946_684_800, 946_684_800_000],
    ['timestamp', 4_102_444_799, 4_102_444_799_000],
  ];
  for (const [field, given, cleaned] of accepted) {
    it(`accepts ${field} ${JSON.stringify(given)} as ${JSON.stringify(cleaned)}`, () => {
      assert.deepEqual(fieldOf(withField(field, given), field), cleaned);
    });
  }

  const refused: [field: keyof typeof SAMPLE, given: unknown, reason: string][] = [
    ['user_id', 'nobody', 'INVALID_USER_ID'],
    ['user_id', 7, 'INVALID_USER_ID'],
    ['app_version', '2.3', 'INVALID_APP_VERSION'],
    ['app_version', '2.3.0.1', 'INVALID_APP_VERSION'],
    ['app_version', '2.03.0', 'INVALID_APP_VERSION'],
    ['app_version', '2.3.0\n', 'INVALID_APP_VERSION'],
    ['app_version', 2.3, 'INVALID_APP_VERSION'],
    ['device_type', 7, 'INVALID_DEVICE_TYPE'],
    ['device_type', 'toaster', 'UNKNOWN_DEVICE_TYPE'],
    ['device_type', 'constructor', 'UNKNOWN_DEVICE_TYPE'],
    ['device_type', ' ', 'UNKNOWN_DEVICE_TYPE'],
    ['ip', '999.1.1.1', 'INVALID_IP'],
    ['ip', '1.2.3', 'INVALID_IP'],
    ['ip', [1], 'INVALID_IP'],
    ['locale', 'RUS', 'INVALID_LOCALE'],
    ['locale', 'R', 'INVALID_LOCALE'],
    ['device_id', 'x'.repeat(65), 'INVALID_DEVICE_ID'],
    ['device_id', 'a\u0000b', 'INVALID_DEVICE_ID'],
    ['device_id', '   ', 'INVALID_DEVICE_ID'],
    ['device_id', '\ud800', 'INVALID_DEVICE_ID'],
    ['device_id', { id: 1 }, 'INVALID_DEVICE_ID'],
    ['timestamp', 'yesterday', 'INVALID_TIMESTAMP'],
    ['timestamp', 946_684_799, 'INVALID_TIMESTAMP'],
    ['timestamp', 4_102_444_800, 'INVALID_TIMESTAMP'],
    ['timestamp', -1, 'INVALID_TIMESTAMP'],
    ['timestamp', '1e9', 'INVALID_TIMESTAMP'],
    ['timestamp', true, 'INVALID_TIMESTAMP'],
  ];
  for (const [field, given, reason] of refused) {
    it(`refuses ${field} ${JSON.stringify(given)}: ${reason}`, () => {
      const judgement = withField(field, given);
      assertReasons(judgement, reason);
      assert.equal(judgement.outcome === 'dlq' && judgement.stage, 'validate');
    });
  }

  for (const field of Object.keys(SAMPLE)) {
    it(`misses ${field} when it is absent, null or empty`, () => {
      for (const value of [undefined, null, '']) {
        assertReasons(withField(field, value), `MISSING_${field.toUpperCase()}`);
      }
    });
  }

  it('names every rule that fails, in the order of the table', () => {
    const broken = { ...SAMPLE, user_id: 'x', device_type: 'toaster', ip: undefined };
    assertReasons(of(broken), 'INVALID_USER_ID', 'UNKNOWN_DEVICE_TYPE', 'MISSING_IP');
  });

  const unparsed: [what: string, bytes: Uint8Array, reason: string][] = [
    ['bytes that are no UTF-8', Uint8Array.of(0x7b, 0xff, 0x7d), 'INVALID_UTF8'],
    ['nothing', new Uint8Array(0), 'INVALID_JSON'],
    ['half an object', Buffer.from('{"user_id":'), 'INVALID_JSON'],
    ['an array', Buffer.from('[1]'), 'NOT_AN_OBJECT'],
    ['null', Buffer.from('null'), 'NOT_AN_OBJECT'],
    ['a number out of range', Buffer.from('1e999'), 'NOT_AN_OBJECT'],
  ];
  for (const [what, bytes, reason] of unparsed) {
    it(`does not parse ${what}: ${reason}`, () => {
      assert.deepEqual(judge(bytes), { outcome: 'dlq', stage: 'parse', reason, reasons: [reason] });
    });
  }

  it('filters a tombstone', () => {
    assert.deepEqual(judge(null), { outcome: 'filtered', reason: 'TOMBSTONE' });
  });

  it('does not fall over nesting without end', () => {
    assert.equal(judge(Buffer.from('['.repeat(1_000_000))).outcome, 'dlq');
    const deep = `{"user_id":${'['.repeat(50_000)}${']'.repeat(50_000)}}`;
    assert.equal(judge(Buffer.from(deep)).outcome, 'dlq');
  });

  it('goes by the rules it is given', () => {
    const rules: LoginRules = {
      ...LOGIN_RULES,
      locale: { ...LOGIN_RULES.locale, schema: z.string().length(3) },
    };
    const message = Buffer.from(JSON.stringify({ ...SAMPLE, locale: 'RUS' }));
    assert.equal(judge(message).outcome, 'dlq');
    assert.equal(judge(message, rules).outcome, 'valid');
  });

  it('has one answer for any bytes, and a login of any answer that is valid', () => {
    const anyField = fc.oneof(fc.string({ unit: 'binary' }), fc.double(), fc.jsonValue());
    const nearly = fc
      .record(
        Object.fromEntries(
          Object.entries(SAMPLE).map(([field, value]) => [field, fc.oneof(fc.constant(value), anyField)]),
        ),
        { requiredKeys: [] },
      )
      .map((message) => Buffer.from(JSON.stringify(message)));
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.json().map((text) => Buffer.from(text)),
      nearly,
    );
    fc.assert(
      fc.property(bytes, (value) => {
        const judgement = judge(value);
        assert.deepEqual(judge(value), judgement);
        if (judgement.outcome === 'valid') {
          assert.ok(JSON.stringify(cleanLogin(judgement.login)).length < 1_000);
        } else {
          assert.equal(judgement.outcome, 'dlq');
          assert.equal(judgement.reasons[0], judgement.reason);
          for (const reason of judgement.reasons) assert.match(reason, /^[A-Z][A-Z0-9_]*$/);
        }
      }),
      { numRuns: 500 },
    );
  });
});

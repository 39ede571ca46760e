import assert from 'node:assert/strict';
import { ClickHouseError } from '@clickhouse/client';
import { clickHouseCode, serviceFault, type Service } from '../../../src/clients/fault.js';
import { PipelineError } from '../../../src/core/errors.js';

describe('clients/fault', () => {
  const named = (name: string, members: object = {}) =>
    Object.assign(new Error('secret'), { name, ...members });
  const clickhouse = (code: string, type: string) => new ClickHouseError({ message: 'secret', code, type });

  const rows: [string, Service, unknown, string, boolean][] = [
    ['a closed port', 'clickhouse', named('Error', { code: 'ECONNREFUSED' }), 'CLICKHOUSE_UNREACHABLE', true],
    ['a socket that hung up', 'clickhouse', new Error('socket hang up'), 'CLICKHOUSE_UNREACHABLE', true],
    [
      'a wrong password',
      'clickhouse',
      clickhouse('516', 'AUTHENTICATION_FAILED'),
      'CLICKHOUSE_REFUSED',
      false,
    ],
    ['a missing right', 'clickhouse', clickhouse('497', 'ACCESS_DENIED'), 'CLICKHOUSE_REFUSED', false],
    ['a missing table', 'clickhouse', clickhouse('60', 'UNKNOWN_TABLE'), 'CLICKHOUSE_FAILED', false],
    [
      'too little memory',
      'clickhouse',
      clickhouse('241', 'MEMORY_LIMIT_EXCEEDED'),
      'CLICKHOUSE_FAILED',
      true,
    ],
    ['a killed query', 'clickhouse', clickhouse('394', 'QUERY_WAS_CANCELLED'), 'CLICKHOUSE_FAILED', true],
    ['a wrong password', 'postgres', named('error', { code: '28P01' }), 'POSTGRES_REFUSED', false],
    ['a missing right', 'postgres', named('error', { code: '42501' }), 'POSTGRES_REFUSED', false],
    ['a server starting up', 'postgres', named('error', { code: '57P03' }), 'POSTGRES_UNREACHABLE', true],
    ['a deadlock', 'postgres', named('error', { code: '40P01' }), 'POSTGRES_FAILED', true],
    ['a missing table', 'postgres', named('error', { code: '42P01' }), 'POSTGRES_FAILED', false],
    ['no server to select', 'mongo', named('MongoServerSelectionError'), 'MONGO_UNREACHABLE', true],
    ['a wrong password', 'mongo', named('MongoServerError', { code: 18 }), 'MONGO_REFUSED', false],
    ['a server error', 'mongo', named('MongoServerError', { code: 11600 }), 'MONGO_FAILED', true],
    ['no broker', 'kafka', named('KafkaJSConnectionError'), 'KAFKA_UNREACHABLE', true],
    ['a wrong password', 'kafka', named('KafkaJSSASLAuthenticationError'), 'KAFKA_REFUSED', false],
    ['a broker error', 'kafka', named('KafkaJSProtocolError'), 'KAFKA_FAILED', true],
  ];
  for (const [what, service, cause, code, retryable] of rows) {
    it(`${service}: ${what} is ${code}, ${retryable ? 'retryable' : 'final'}`, () => {
      const fault = serviceFault(service, 'reading the record', cause);
      assert.deepEqual([fault.code, fault.retryable, fault.at.service], [code, retryable, service]);
      assert.match(fault.message, /^reading the record: /);
      assert.doesNotMatch(fault.message, /secret/);
      assert.equal(fault.cause, cause);
    });
  }

  it('keeps a fault that is ours already', () => {
    const fault = new PipelineError('GOLD_CHECK_FAILED', 'no');
    assert.equal(serviceFault('clickhouse', 'reading', fault), fault);
  });

  it("finds ClickHouse's code, also below our own error", () => {
    const gone = clickhouse('60', 'UNKNOWN_TABLE');
    assert.equal(clickHouseCode(gone), '60');
    assert.equal(clickHouseCode(serviceFault('clickhouse', 'reading', gone)), '60');
    assert.equal(clickHouseCode(named('Error', { code: 'ECONNREFUSED' })), '');
  });
});

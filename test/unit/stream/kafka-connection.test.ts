import assert from 'node:assert/strict';
import { KafkaConnection, socketSettings } from '../../../src/stream/kafka-connection.js';
import { createBroker } from '../../../src/stream/kafkajs-internals.js';

const brokers = ['127.0.0.1:1'];

describe('kafka connection', () => {
  for (const mechanism of ['plain', 'scram-sha-256', 'scram-sha-512'] as const) {
    it(`hands TLS and SASL ${mechanism} to every socket`, () => {
      const sasl = { mechanism, user: 'reader', password: 'secret' };
      const settings = socketSettings({ brokers, tls: true, sasl });
      assert.equal(settings.ssl, true);
      const expected = { mechanism, username: 'reader', password: 'secret' };
      assert.deepEqual(settings.sasl, expected);
      const { pool } = createBroker('127.0.0.1', 1, null, settings).connectionPool as unknown as {
        pool: { ssl: unknown; sasl: unknown }[];
      };
      assert.equal(pool.length, 2);
      for (const socket of pool) assert.deepEqual([socket.ssl, socket.sasl], [true, expected]);
    });
  }

  it('hands certificates on, and none of it where the configuration asks for neither', () => {
    const ca = 'a certificate';
    assert.deepEqual(socketSettings({ brokers, tls: true }, { tls: { ca } }).ssl, { ca });
    const plain = socketSettings({ brokers, tls: false }, { tls: { ca } });
    assert.deepEqual([plain.ssl, plain.sasl], [null, null]);
  });

  it('says that no broker answers, retryably', async () => {
    await assert.rejects(KafkaConnection.open({ brokers, tls: false }), {
      code: 'KAFKA_UNREACHABLE',
      retryable: true,
    });
  });
});

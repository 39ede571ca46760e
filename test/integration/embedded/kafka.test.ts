import assert from 'node:assert/strict';
import { Kafka, logLevel } from 'kafkajs';
import { useStack } from '../../support/stack.js';

describe('embedded Kafka', function () {
  this.timeout(60_000);
  const stack = useStack(['kafka']);

  it('carries a record for who signs in', async () => {
    const kafka = clientWith(stack().config.kafka.sasl?.password ?? '');
    const admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic: 'greetings', numPartitions: 1 }], waitForLeaders: true });
    await admin.disconnect();
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic: 'greetings', messages: [{ value: 'hello' }] });
    await producer.disconnect();
    const consumer = kafka.consumer({ groupId: 'greeted' });
    await consumer.connect();
    await consumer.subscribe({ topic: 'greetings', fromBeginning: true });
    const heard = await new Promise<string | undefined>((resolve) => {
      void consumer.run({
        eachMessage: ({ message }) => Promise.resolve(resolve(message.value?.toString())),
      });
    });
    await consumer.disconnect();
    assert.equal(heard, 'hello');
  });

  it('lets nobody in without the password', async () => {
    const admin = clientWith('wrong').admin();
    await assert.rejects(admin.connect(), /authentication failed/i);
    await admin.disconnect();
  });

  it('is answering again, with its data, after SIGKILL', async () => {
    const before = stack().service('kafka');
    stack().kill('kafka');
    await stack().waitReady('kafka');
    const after = stack().service('kafka');
    assert.notEqual(after.pid, before.pid);
    assert.equal(after.restarts, before.restarts + 1);
    const admin = clientWith(stack().config.kafka.sasl?.password ?? '').admin();
    await admin.connect();
    assert.ok((await admin.listTopics()).includes('greetings'));
    await admin.disconnect();
  });

  function clientWith(password: string): Kafka {
    return new Kafka({
      clientId: 'test',
      brokers: stack().config.kafka.brokers,
      sasl: { mechanism: 'plain', username: 'tidemark', password },
      logLevel: logLevel.NOTHING,
      retry: { retries: 2 },
    });
  }
});

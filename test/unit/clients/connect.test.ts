import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { connectConnect } from '../../../src/clients/connect.js';
import type { Config } from '../../../src/config.js';

/** A Connect that gives these answers, one after the other, and then the last for ever. */
async function connectThatSays(answers: readonly [number, string][]) {
  const asked: string[] = [];
  const server: Server = createServer((request, response) => {
    const [status, text] = answers[Math.min(asked.length, answers.length - 1)]!;
    asked.push(`${request.method} ${request.url}`);
    response.writeHead(status).end(text);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  return { client: connectConnect({ connect: { url } } as Config), asked, server };
}

const REBALANCE =
  '{"error_code":500,"message":"Request cannot be completed because a rebalance is expected"}';

describe('clients/connect', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());
  const saying = async (...answers: [number, string][]) => {
    const connect = await connectThatSays(answers);
    ({ server } = connect);
    return connect;
  };

  it('asks again while the workers rebalance: 409, or 500 that says so', async () => {
    const { client, asked } = await saying([500, REBALANCE], [409, ''], [200, '{"name":"c"}']);
    assert.deepEqual(await client.connectorConfig('c'), { name: 'c' });
    assert.deepEqual(asked, Array(3).fill('GET /connectors/c/config'));
  });

  it('reports any other refusal at once', async () => {
    const { client, asked } = await saying([500, '{"message":"no such plugin"}']);
    await assert.rejects(client.resume('c'), { code: 'CONNECT_REFUSED', retryable: true });
    assert.equal(asked.length, 1);
  });

  it('knows a connector that is not there', async () => {
    const { client } = await saying([404, '{}']);
    assert.equal(await client.status('c'), undefined);
  });
});

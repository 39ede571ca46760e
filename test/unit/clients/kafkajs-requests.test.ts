import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server } from 'node:net';
import { buffer } from 'node:stream/consumers';
import { requireKafkajs } from '../../../src/clients/kafkajs-guard.js';
import { inPiecesOr, sendWhole, type CreateRequest } from '../../../src/clients/kafkajs-requests.js';

const ofKafkajs = requireKafkajs('kafkajs/src/protocol/request') as CreateRequest;
const REQUEST = { apiKey: 0, apiVersion: 7 };

describe('clients/kafkajs-requests', () => {
  let server: Server | undefined;
  afterEach(() => server?.close());

  it('sends the bytes that kafkajs would, and what is written beside them', async () => {
    server = createServer().listen(0, '127.0.0.1');
    await once(server, 'listening');
    const accepted = once(server, 'connection');
    const socket = sendWhole(connect((server.address() as AddressInfo).port, '127.0.0.1'));
    const [peer] = (await accepted) as [NodeJS.ReadableStream];
    const create = inPiecesOr(() => Promise.reject(new Error('not asked')));
    const bodies = [[0], [10], [5, 700_000, 3], [2_000_000]].map((sizes) =>
      sizes.map((size, i) => Buffer.alloc(size, i + 1)),
    );
    const parts: Buffer[] = [];
    for (const [correlationId, pieces] of bodies.entries()) {
      const body = Buffer.concat(pieces);
      const encode = () => Promise.resolve({ buf: body, buffer: body });
      const given = { correlationId, clientId: 'tidemark-é' };
      const { buffer: header } = await create({ ...given, request: { ...REQUEST, pieces } });
      socket.write(header);
      const encoded = { ...REQUEST, encode };
      parts.push((await ofKafkajs({ ...given, request: encoded })).buffer);
      socket.write(Buffer.from('beside'));
      parts.push(Buffer.from('beside'));
    }
    socket.end();
    assert.ok((await buffer(peer)).equals(Buffer.concat(parts)));
  });

  it('leaves the requests of kafkajs itself to kafkajs', async () => {
    const own = { buffer: Buffer.from('own') };
    const create: CreateRequest = inPiecesOr(() => Promise.resolve(own));
    assert.equal(await create({ correlationId: 1, clientId: 'c', request: REQUEST }), own);
  });
});

import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import fc from 'fast-check';
import { BufferPool } from '../../../src/stream/buffer-pool.js';
import { ResponseAssembler, responseSockets } from '../../../src/stream/response-socket.js';

/** A response of so many bytes behind its length, which depend on its number. */
function response(bytes: number, number: number): Buffer {
  const all = Buffer.alloc(4 + bytes, number & 255);
  all.writeInt32BE(bytes);
  return all;
}

const SIZES = fc.array(fc.oneof(fc.nat(40), fc.nat(20_000), fc.integer({ min: 16_370, max: 16_390 })), {
  minLength: 1,
  maxLength: 20,
});

describe('stream/response-socket', () => {
  it('gives each response whole and once, however the bytes come', () => {
    const reads = fc.array(fc.oneof(fc.integer({ min: 1, max: 5 }), fc.integer({ min: 1, max: 40_000 })), {
      minLength: 1,
      maxLength: 30,
    });
    fc.assert(
      fc.property(SIZES, reads, (sizes, counts) => {
        const sent = sizes.map(response);
        const stream = Buffer.concat(sent);
        const pool = new BufferPool();
        const taken: Buffer[] = [];
        const assembler = new ResponseAssembler(pool, (one) => {
          taken.push(Buffer.from(one));
          // Given back at once, so that a buffer used twice at the same time would be seen.
          pool.give(one);
        });
        for (let at = 0, turn = 0; at < stream.length; turn++) {
          const room = assembler.room();
          assert.ok(room.length > 0);
          const count = Math.min(counts[turn % counts.length]!, room.length, stream.length - at);
          stream.copy(room, 0, at, at + count);
          assembler.filled(count);
          at += count;
        }
        assert.deepEqual(taken, sent);
      }),
    );
  });

  it('puts a large response where it is read, into a buffer that is used again once it was given back', () => {
    const pool = new BufferPool();
    const taken: Buffer[] = [];
    const assembler = new ResponseAssembler(pool, (one) => taken.push(one));
    const receive = (bytes: number): Buffer => {
      const one = response(bytes, 7);
      for (let at = 0; at < one.length;) {
        const count = one.copy(assembler.room(), 0, at);
        assembler.filled(count);
        at += count;
      }
      return taken.at(-1)!;
    };
    const first = receive(3_000_000);
    const second = receive(3_000_000);
    assert.notEqual(first.buffer, second.buffer, 'the first was not given back');
    pool.give(first.subarray(100, 200));
    pool.give(first);
    const third = receive(2_500_000);
    assert.equal(third.buffer, first.buffer);
    assert.notEqual(receive(10).buffer, first.buffer, 'given back twice, lent once');
    assert.notEqual(receive(2_500_000).buffer, first.buffer);
  });

  it('refuses what is no response', () => {
    const assembler = new ResponseAssembler(new BufferPool(), () => undefined);
    assembler.room().write('\x80\0\0\0', 'latin1');
    assert.throws(() => assembler.filled(4), RangeError);
  });

  it('hands whole responses over from a socket, and its end', async () => {
    const sent = [10, 3_000_000, 0, 16_384, 70_000, 1_200_000].map(response);
    const server = createServer((peer: Socket) => {
      peer.write(Buffer.concat(sent));
      peer.end();
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const taken: Buffer[] = [];
    const connect = responseSockets(new BufferPool());
    const socket = connect({ host: '127.0.0.1', port, ssl: null, onConnect: () => undefined });
    socket.on('data', (one: Buffer) => taken.push(one));
    await once(socket, 'end');
    assert.deepEqual(taken, sent);
    socket.destroy();
    server.close();
  });

  it('ends a socket that sends something else', async () => {
    const server = createServer(
      (peer: Socket) => void peer.write('\xff\xff\xff\xff HTTP/1.1', 'latin1'),
    ).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const { port } = server.address() as AddressInfo;
    const socket = responseSockets(new BufferPool())({
      host: '127.0.0.1',
      port,
      ssl: null,
      onConnect: () => undefined,
    });
    socket.on('data', () => assert.fail('no response'));
    const [error] = (await once(socket, 'error').catch((cause: unknown) => [cause])) as [Error];
    assert.match(error.message, /a length of -1/);
    server.close();
  });
});

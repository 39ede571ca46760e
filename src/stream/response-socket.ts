import { connect as connectPlain, isIP, type Socket } from 'node:net';
import { connect as connectTls, type ConnectionOptions as TlsOptions } from 'node:tls';
import { sendWhole } from '../clients/kafkajs-requests.js';
import type { BufferPool } from './buffer-pool.js';

/** Responses up to this size are copied out of the buffer they are read into; larger ones get one of their own. */
const SCRATCH_BYTES = 16 * 1024;
/** Every message of the protocol begins with its length: 4 bytes that do not count themselves. */
const LENGTH_BYTES = 4;
const KEEP_ALIVE_MS = 60_000;

/**
 * Cuts what a broker sends into whole responses, each in one piece, without copying the large ones: says where the next
 * bytes shall go, then takes note of how many came.
 */
export class ResponseAssembler {
  readonly #pool: BufferPool;
  readonly #take: (response: Buffer) => void;
  readonly #scratch = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  /** Bytes of incomplete responses in `#scratch`. */
  #pending = 0;
  #large: Buffer | undefined;
  #largeFilled = 0;

  /** `take` gets each response with its length in front. */
  constructor(pool: BufferPool, take: (response: Buffer) => void) {
    this.#pool = pool;
    this.#take = take;
  }

  /** Where the next bytes go; never empty. */
  room(): Buffer {
    return this.#large?.subarray(this.#largeFilled) ?? this.#scratch.subarray(this.#pending);
  }

  /** `count` bytes have come into `room`. @throws RangeError when they are not of Kafka's protocol. */
  filled(count: number): void {
    if (this.#large === undefined) this.#cutScratch(this.#pending + count);
    else {
      this.#largeFilled += count;
      if (this.#largeFilled < this.#large.length) return;
      const response = this.#large;
      this.#large = undefined;
      this.#take(response);
    }
  }

  #cutScratch(end: number): void {
    const scratch = this.#scratch;
    let at = 0;
    while (end - at >= LENGTH_BYTES) {
      const length = scratch.readInt32BE(at);
      if (length < 0) throw new RangeError(`reading a response: a length of ${length}`);
      const next = at + LENGTH_BYTES + length;
      if (next - at > SCRATCH_BYTES) {
        this.#large = this.#pool.take(next - at);
        this.#largeFilled = scratch.copy(this.#large, 0, at, end);
        this.#pending = 0;
        return;
      }
      if (next > end) break;
      // A copy: the scratch buffer is used again.
      this.#take(Buffer.from(scratch.subarray(at, next)));
      at = next;
    }
    scratch.copyWithin(0, at, end);
    this.#pending = end - at;
  }
}

export interface SocketRequest {
  readonly host: string;
  readonly port: number;
  readonly ssl: TlsOptions | true | null;
  readonly onConnect: () => void;
}

/**
 * Makes sockets whose `data` events are whole responses. Over TLS they stay as they come: there bytes are copied when they
 * are decrypted anyway.
 */
export function responseSockets(pool: BufferPool): (request: SocketRequest) => Socket {
  return ({ host, port, ssl, onConnect }) => {
    const socket =
      ssl === null
        ? connectInPieces(host, port, pool, onConnect)
        : connectTls(
            { host, port, ...(isIP(host) === 0 && { servername: host }), ...(ssl !== true && ssl) },
            onConnect,
          );
    return sendWhole(socket).setKeepAlive(true, KEEP_ALIVE_MS);
  };
}

function connectInPieces(host: string, port: number, pool: BufferPool, onConnect: () => void): Socket {
  const assembler = new ResponseAssembler(pool, (response) => socket.emit('data', response));
  const socket = connectPlain(
    {
      host,
      port,
      onread: {
        buffer: () => assembler.room(),
        callback: (count: number): boolean => {
          try {
            assembler.filled(count);
          } catch (error) {
            socket.destroy(error as Error);
          }
          return true;
        },
      },
    },
    onConnect,
  );
  return socket;
}

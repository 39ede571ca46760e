import type { Socket } from 'node:net';

interface Request {
  readonly correlationId: number;
  readonly clientId: string;
  readonly request: {
    readonly apiKey: number;
    readonly apiVersion: number;
    /** The body of a request to a socket of `sendWhole`; kafkajs's own have none. */
    readonly pieces?: readonly Buffer[];
  };
}
/** How kafkajs makes a request's bytes (its src/protocol/request.js). */
export type CreateRequest = (request: Request) => Promise<{ readonly buffer: Buffer }>;

/** Length, API key and version, correlation id, length of the client id. */
const FIXED_BYTES = 14;

/** Bodies by the header that they are sent behind. */
const bodies = new WeakMap<object, readonly Buffer[]>();

/**
 * Leaves the pieces of a body where they are, for `sendWhole`. kafkajs would copy them twice, into memory that it zeroes
 * and grows: most of what a large Produce request cost.
 */
export const inPiecesOr =
  (createRequest: CreateRequest): CreateRequest =>
  async (given) => {
    const { pieces } = given.request;
    if (pieces === undefined) return createRequest(given);
    const header = headerOf(
      given,
      pieces.reduce((sum, { length }) => sum + length, 0),
    );
    bodies.set(header, pieces);
    return { buffer: header };
  };

/** Request header version 1 (https://kafka.apache.org/protocol#protocol_messages), the length of the request in front. */
function headerOf({ correlationId, clientId, request }: Request, bodyBytes: number): Buffer {
  const id = Buffer.from(clientId, 'utf8');
  const header = Buffer.alloc(FIXED_BYTES + id.length);
  header.writeInt32BE(FIXED_BYTES - 4 + id.length + bodyBytes, 0);
  header.writeInt16BE(request.apiKey, 4);
  header.writeInt16BE(request.apiVersion, 6);
  header.writeInt32BE(correlationId, 8);
  header.writeInt16BE(id.length, 12);
  id.copy(header, FIXED_BYTES);
  return header;
}

/** Makes a socket send a body behind its header, both in one call of the system. */
export function sendWhole(socket: Socket): Socket {
  const write: (data: string | Uint8Array) => boolean = socket.write.bind(socket);
  socket.write = (data: string | Uint8Array): boolean => {
    const body = typeof data === 'string' ? undefined : bodies.get(data);
    if (body === undefined) return write(data);
    socket.cork();
    let isTaken = write(data);
    for (const piece of body) isTaken = write(piece);
    socket.uncork();
    return isTaken;
  };
  return socket;
}

import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** A statement on its way to ClickHouse that the gate keeps back. */
export interface Held {
  /** Lets it through; gives the server's answer. */
  release(): Promise<{ readonly status: number; readonly body: string }>;
}

interface Trap {
  readonly pattern: RegExp;
  readonly caught: (held: Held) => void;
}

/**
 * A proxy between one worker and ClickHouse, so that a test can stop the worker at an exact statement without anything in
 * the worker knowing of it.
 */
export class ClickHouseGate {
  readonly #target: URL;
  readonly #server: Server;
  #trap: Trap | undefined;

  private constructor(target: string) {
    this.#target = new URL(target);
    this.#server = createServer((incoming, outgoing) => void this.#pass(incoming, outgoing));
  }

  static async open(target: string): Promise<ClickHouseGate> {
    const gate = new ClickHouseGate(target);
    gate.#server.listen(0, '127.0.0.1');
    await once(gate.#server, 'listening');
    return gate;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Keeps back the next statement that matches; resolves when it has come. */
  hold(pattern: RegExp): Promise<Held> {
    return new Promise((caught) => {
      this.#trap = { pattern, caught };
    });
  }

  close(): void {
    this.#server.close();
    this.#server.closeAllConnections();
  }

  async #pass(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of incoming) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const statement = `${new URL(incoming.url ?? '/', this.#target).searchParams.get('query') ?? ''} ${body.toString()}`;
    const trap = this.#trap;
    if (trap === undefined || !trap.pattern.test(statement)) return this.#forward(incoming, body, outgoing);
    this.#trap = undefined;
    const released = new Promise<void>((letGo) => {
      trap.caught({
        release: async () => {
          const answered = answerOf(outgoing);
          letGo();
          return answered;
        },
      });
    });
    await released;
    this.#forward(incoming, body, outgoing);
  }

  /** A server that is away looks to the worker as it would without the gate: the connection breaks. */
  #forward(incoming: IncomingMessage, body: Buffer, outgoing: ServerResponse): void {
    const { hostname, port } = this.#target;
    const { method, url: path, headers } = incoming;
    const onward = request({ hostname, port, method, path, headers, agent: false }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 502, answer.headers);
      answer.on('data', (chunk: Buffer) => outgoing.write(chunk));
      answer.on('end', () => outgoing.end());
      answer.on('error', () => outgoing.destroy());
    });
    onward.on('error', () => outgoing.destroy());
    onward.end(body);
  }
}

/** What is written to a response until it ends. */
function answerOf(outgoing: ServerResponse): Promise<{ status: number; body: string }> {
  const chunks: Buffer[] = [];
  const write = outgoing.write.bind(outgoing) as (chunk: Buffer) => boolean;
  outgoing.write = ((chunk: Buffer) => {
    chunks.push(chunk);
    return write(chunk);
  }) as ServerResponse['write'];
  return new Promise((resolve) => {
    outgoing.on('close', () =>
      resolve({ status: outgoing.statusCode, body: Buffer.concat(chunks).toString() }),
    );
  });
}

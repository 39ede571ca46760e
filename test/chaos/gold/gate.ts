import { once } from 'node:events';
import { createServer, request, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';

/** What the server says; status 0 when it does not. */
interface Answer {
  readonly status: number;
  readonly body: string;
}

/** A statement on its way to ClickHouse that the gate keeps back. */
export interface Held {
  /** Lets it through. */
  release(): Promise<Answer>;
}

const FILL = /^\s*INSERT INTO \S*gold_staging\S*\s+SELECT/;
/** Rows of silver a second; the 2.5 million of the scene take more than two seconds. */
const FILL_ROWS_PER_SECOND = 1_000_000;

function slowDown({ searchParams }: URL): void {
  searchParams.set('max_execution_speed', String(FILL_ROWS_PER_SECOND));
  searchParams.set('timeout_before_checking_execution_speed', '0');
}

interface Trap {
  readonly pattern: RegExp;
  readonly caught: (held: Held) => void;
}

/**
 * A proxy between one worker and ClickHouse, so that a test can stop the worker at an exact statement without anything in
 * the worker knowing of it. The INSERT that fills staging is slowed down: on any machine it has a middle to hit.
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
    const body = await bodyOf(incoming).catch(() => undefined);
    // Its worker was killed in the middle of a request.
    if (body === undefined) return;
    const url = new URL(incoming.url ?? '/', this.#target);
    const statement = `${url.searchParams.get('query') ?? ''} ${body.toString()}`;
    const trap = this.#trap;
    if (trap === undefined || !trap.pattern.test(statement)) {
      if (FILL.test(statement)) slowDown(url);
      await this.#forward(incoming, url, body, outgoing);
      return;
    }
    this.#trap = undefined;
    trap.caught({ release: () => this.#forward(incoming, url, body, outgoing) });
  }

  /**
   * Gives the server's answer, whether or not the worker still listens. A server that is away looks to the worker as it
   * would without the gate: the connection breaks.
   */
  #forward(
    incoming: IncomingMessage,
    { hostname, port, pathname, search }: URL,
    body: Buffer,
    outgoing: ServerResponse,
  ): Promise<Answer> {
    const { method, headers } = incoming;
    return new Promise((resolve) => {
      const broken = (): void => {
        outgoing.destroy();
        resolve({ status: 0, body: '' });
      };
      const onward = request(
        { hostname, port, method, path: pathname + search, headers, agent: false },
        (answer) => {
          const status = answer.statusCode ?? 0;
          const chunks: Buffer[] = [];
          outgoing.writeHead(status, answer.headers);
          answer.on('data', (chunk: Buffer) => {
            chunks.push(chunk);
            outgoing.write(chunk);
          });
          answer.on('end', () => {
            outgoing.end();
            resolve({ status, body: Buffer.concat(chunks).toString() });
          });
          answer.on('error', broken);
        },
      );
      onward.on('error', broken);
      onward.end(body);
    });
  }
}

async function bodyOf(incoming: IncomingMessage): Promise<Buffer> {
  const chunks: Buffer[] = [];
  for await (const chunk of incoming) chunks.push(chunk as Buffer);
  return Buffer.concat(chunks);
}

import { createHash, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Config } from '../config.js';

export interface Reply {
  readonly status: number;
  readonly type: 'application/json' | 'text/html';
  readonly body: string;
  readonly headers?: Readonly<Record<string, string>>;
}

/** Answers a GET, or has nothing under that path. */
export type Route = (url: URL) => Promise<Reply> | undefined;

type HttpConfig = NonNullable<Config['http']>;

/**
 * Serves GET only. With `login` it answers nobody without it. Without, and on the loopback address, it answers nobody who names another
 * host: pages of other sites that make a browser ask here (DNS rebinding) do. What a route throws goes to `onFault`.
 */
export async function serveHttp(
  config: HttpConfig,
  routes: readonly Route[],
  onFault: (fault: unknown) => void,
): Promise<Server> {
  const answer = async (request: IncomingMessage): Promise<Reply> => {
    try {
      return refusal(request, config) ?? (await routed(request.url ?? '/', routes));
    } catch (fault) {
      onFault(fault);
      return jsonReply(500, { error: 'UNFORESEEN', message: 'see the log' });
    }
  };
  const server = createServer((request, response) => {
    void answer(request).then((reply) => send(response, reply));
  });
  server.listen(config.port, config.host);
  await once(server, 'listening');
  return server;
}

function refusal(request: IncomingMessage, { login, host }: HttpConfig): Reply | undefined {
  if (login === undefined && isLoopback(host) && !isLoopback(hostNamed(request))) {
    return jsonReply(421, { error: 'WRONG_HOST', message: 'ask by a name of the loopback address' });
  }
  if (login !== undefined && !isSignedIn(request, login)) {
    const challenge = { 'www-authenticate': 'Basic realm="tidemark", charset="UTF-8"' };
    return jsonReply(401, { error: 'UNAUTHORIZED', message: 'sign in' }, challenge);
  }
  if (request.method !== 'GET') {
    return jsonReply(405, { error: 'METHOD_NOT_ALLOWED', message: 'there is GET only' }, { allow: 'GET' });
  }
  return undefined;
}

async function routed(path: string, routes: readonly Route[]): Promise<Reply> {
  if (URL.canParse(path, 'http://localhost')) {
    const url = new URL(path, 'http://localhost');
    for (const route of routes) {
      const reply = route(url);
      if (reply !== undefined) return reply;
    }
  }
  return jsonReply(404, { error: 'NOT_FOUND', message: 'there are GET /verify and GET /dashboards' });
}

const isLoopback = (host: string): boolean => ['127.0.0.1', 'localhost', '::1', '[::1]'].includes(host);

const hostNamed = ({ headers }: IncomingMessage): string =>
  (headers.host ?? '').replace(/:\d+$/, '').toLowerCase();

/** Compared by digests, so that the time it takes tells nothing. */
function isSignedIn(
  { headers }: IncomingMessage,
  { user, password }: NonNullable<HttpConfig['login']>,
): boolean {
  const digest = (text: string): Buffer => createHash('sha256').update(text).digest();
  const expected = `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}`;
  return timingSafeEqual(digest(headers.authorization ?? ''), digest(expected));
}

export const jsonReply = (
  status: number,
  body: object,
  headers: Readonly<Record<string, string>> = {},
): Reply => ({
  status,
  type: 'application/json',
  body: `${JSON.stringify(body)}\n`,
  headers,
});

function send(response: ServerResponse, { status, type, body, headers }: Reply): void {
  response.writeHead(status, {
    'content-type': `${type}; charset=utf-8`,
    'content-length': Buffer.byteLength(body),
    'cache-control': 'no-store',
    'x-content-type-options': 'nosniff',
    'referrer-policy': 'no-referrer',
    ...headers,
  });
  response.end(body);
}

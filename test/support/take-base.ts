import { createServer } from 'node:net';
import { PipelineError } from '../../src/core/errors.js';
import { findFreeBase } from '../../infra/embedded/index.js';
import { PORT_SPAN } from '../../infra/embedded/ports.js';

/** Away from the default base of a stack in use, below the kernel's ephemeral ports. */
const BASES = { from: 22_000, until: 32_000 } as const;
const PLACES = (BASES.until - BASES.from) / PORT_SPAN;
/** Of a span, a port that no service has: who listens there has the span, until its process ends however it ends. */
const GUARD = PORT_SPAN - 2;

/**
 * The base of free ports for a stack, this process's from now on: two that look at the same moment, both before their services
 * listen, get different ones.
 */
export async function takeBase(): Promise<number> {
  // Processes side by side start at places of their own, so that they rarely meet.
  for (let place = process.pid * 7, left = PLACES; left > 0; place++, left--) {
    const base = BASES.from + (place % PLACES) * PORT_SPAN;
    if ((await isTaken(base + GUARD)) && (await isFree(base))) return base;
  }
  throw new PipelineError('PORT_TAKEN', `looking for ${PORT_SPAN} free ports: none`);
}

const isFree = (base: number): Promise<boolean> =>
  findFreeBase(base, base + PORT_SPAN).then(
    () => true,
    () => false,
  );

/** Listens there from now on, unless somebody does. */
function isTaken(port: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer().unref();
    server.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ port, host: '127.0.0.1', exclusive: true }, () => resolve(true));
  });
}

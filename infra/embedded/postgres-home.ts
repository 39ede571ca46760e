import {
  chownSync,
  cpSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { PipelineError } from '../../src/core/errors.js';

/** Where PostgreSQL of one stack runs from, and as whom. */
export interface PostgresHome {
  /** Holds `data`; reachable and writable for who PostgreSQL runs as. */
  readonly folder: string;
  /** Holds `bin`, `lib`, `share`. */
  readonly binaries: string;
  /** Set only when the stack runs as root. */
  readonly user?: { readonly uid: number; readonly gid: number };
}

/** Where root puts what an unprivileged user must reach. */
const COMMON_PLACE = '/var/lib/tidemark';

/**
 * PostgreSQL refuses to run as root. So root runs it as an unprivileged user that every system has; and where that
 * user cannot reach the data directory or the cache (root's home is closed to others), its data and a copy of its
 * binaries live below /var/lib/tidemark and the data directory holds a link.
 */
export function postgresHome(dataDir: string, instance: string, native: string): PostgresHome {
  const inside = join(dataDir, 'postgres');
  if (process.getuid?.() !== 0) {
    mkdirSync(inside, { recursive: true, mode: 0o700 });
    return { folder: inside, binaries: native };
  }
  const user = unprivilegedUser();
  if (isReachable(dataDir) && isReachable(native)) {
    mkdirSync(inside, { recursive: true });
    hand(inside, user);
    return { folder: inside, binaries: native, user };
  }
  mkdirSync(COMMON_PLACE, { recursive: true, mode: 0o755 });
  const outside = join(COMMON_PLACE, `postgres-${instance}`);
  if (!existsSync(outside)) {
    mkdirSync(outside, { mode: 0o700 });
    hand(outside, user);
  }
  if (!existsSync(inside)) symlinkSync(outside, inside);
  return { folder: outside, binaries: copyBinaries(native), user };
}

/** Removes what `postgresHome` put outside of the data directory. */
export function removePostgresHome(instance: string): void {
  rmSync(join(COMMON_PLACE, `postgres-${instance}`), { recursive: true, force: true });
}

export function hand(path: string, user: PostgresHome['user']): void {
  if (user !== undefined) chownSync(path, user.uid, user.gid);
}

/** Named after the component, whose name is a digest of what is in it: copied once for all stacks. */
function copyBinaries(native: string): string {
  const component = /([^/]+)\/node_modules\//.exec(native)?.[1] ?? basename(native);
  const target = join(COMMON_PLACE, component);
  if (existsSync(target)) return target;
  const draft = `${target}.${process.pid}`;
  cpSync(native, draft, { recursive: true, verbatimSymlinks: true });
  try {
    renameSync(draft, target);
  } catch (error) {
    // Another stack was quicker: its copy is the same.
    rmSync(draft, { recursive: true, force: true });
    if (!existsSync(target)) throw error;
  }
  return target;
}

/** Whether users other than the owner may pass through the folder and all that lead to it. */
export function isReachable(path: string): boolean {
  if ((statSync(path).mode & 0o001) === 0) return false;
  const parent = dirname(path);
  return parent === path || isReachable(parent);
}

function unprivilegedUser(): { uid: number; gid: number } {
  const passwd = readFileSync('/etc/passwd', 'utf8').split('\n');
  for (const wanted of ['postgres', 'nobody']) {
    const [, , uid, gid] = passwd.find((line) => line.startsWith(`${wanted}:`))?.split(':') ?? [];
    if (uid !== undefined && gid !== undefined) return { uid: Number(uid), gid: Number(gid) };
  }
  throw new PipelineError(
    'START_FAILED',
    'starting PostgreSQL as root: neither a user postgres nor nobody exists to run it as',
  );
}

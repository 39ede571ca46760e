import { linkSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { isAlive, ProcessIdentitySchema, self, type ProcessIdentity } from './process-identity.js';

/** Taken: by whom. */
export interface LockHeld {
  readonly by: ProcessIdentity;
}

let drafts = 0;

/**
 * Takes a lock file that holds its owner's identity, or says who has it. link(2) makes it appear whole and only
 * once. A lock whose owner is dead is moved aside first; whoever finds there that it has moved a live owner's lock
 * puts it back.
 */
export function tryLock(file: string, owner: ProcessIdentity = self()): LockHeld | undefined {
  const draft = `${file}.${process.pid}.${drafts++}`;
  writeFileSync(draft, JSON.stringify(owner), { mode: 0o600 });
  try {
    for (;;) {
      if (linked(draft, file)) return undefined;
      const holder = lockHolder(file);
      if (holder !== undefined) return { by: holder };
      moveAside(file, `${draft}.stale`);
    }
  } finally {
    rmSync(draft, { force: true });
  }
}

/** The live owner of a lock; undefined when it is free or its owner is dead. */
export function lockHolder(file: string): ProcessIdentity | undefined {
  const text = readIfThere(file);
  if (text === undefined) return undefined;
  const owner = ProcessIdentitySchema.parse(JSON.parse(text));
  return isAlive(owner) ? owner : undefined;
}

/** Removes the lock if it is ours. */
export function unlock(file: string, owner: ProcessIdentity = self()): void {
  const holder = lockHolder(file);
  if (holder?.pid === owner.pid && holder.startedAt === owner.startedAt) rmSync(file, { force: true });
}

function moveAside(file: string, aside: string): void {
  try {
    renameSync(file, aside);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return;
    throw error;
  }
  if (lockHolder(aside) !== undefined) linked(aside, file);
  rmSync(aside, { force: true });
}

function linked(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function readIfThere(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
}

import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, renameSync, rmSync } from 'node:fs';
import { homedir } from 'node:os';
import { basename, join, resolve } from 'node:path';
import { execa, ExecaError } from 'execa';
import { PipelineError } from '../../src/core/errors.js';
import { COMPONENTS, readPins, type Component, type ComponentName, type Run } from './components.js';
import { tryLock, unlock } from './lock.js';
import { javaVersion, pythonVersion } from './prerequisites.js';
import { holdsWithin } from './process-identity.js';

/** Another process may be fetching 600 MB over a slow line. */
const WAIT_FOR_OTHER_MS = 30 * 60_000;

/** `TIDEMARK_CACHE_DIR`, else `tidemark` below `XDG_CACHE_HOME` or `~/.cache`. */
export function cacheDirectory(env: NodeJS.ProcessEnv): string {
  if (env.TIDEMARK_CACHE_DIR) return resolve(env.TIDEMARK_CACHE_DIR);
  return join(env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'tidemark');
}

/** Where a component is, or will be: named by a digest of everything that decides what is in it. */
export async function componentFolder(cacheDir: string, name: ComponentName): Promise<string> {
  const component = COMPONENTS[name];
  const hash = createHash('sha256').update(`${component.revision} ${process.platform} ${process.arch}`);
  for (const other of component.after ?? []) hash.update(basename(await componentFolder(cacheDir, other)));
  if (name === 'class-archives') hash.update(await javaVersion());
  // A wheel is built for one Python.
  if (component.pins.some((pin) => pin.startsWith('python/'))) hash.update(await pythonVersion());
  for (const pin of readPins(component)) hash.update(pin);
  return join(cacheDir, `${name}-${hash.digest('hex').slice(0, 16)}`);
}

/** The folders of the named components that are not installed yet. */
export async function missingComponents(
  cacheDir: string,
  names: readonly ComponentName[],
): Promise<ComponentName[]> {
  const missing: ComponentName[] = [];
  for (const name of names) {
    if (!existsSync(await componentFolder(cacheDir, name))) missing.push(name);
  }
  return missing;
}

/**
 * Installs one component unless it is there: into a folder beside its place, renamed when complete. So a folder of
 * that name is always whole, an interrupted install starts that component again (the package managers keep what
 * they fetched), and of two at once one installs and the other waits.
 * @throws PipelineError `INSTALL_FAILED` with the end of the tool's output.
 */
export async function installComponent(cacheDir: string, name: ComponentName): Promise<string> {
  const folder = await componentFolder(cacheDir, name);
  if (existsSync(folder)) return folder;
  const others = new Map<ComponentName, string>();
  for (const other of COMPONENTS[name].after ?? [])
    others.set(other, await installComponent(cacheDir, other));
  mkdirSync(cacheDir, { recursive: true });
  const lock = `${folder}.lock`;
  const free = await holdsWithin(WAIT_FOR_OTHER_MS, () => existsSync(folder) || tryLock(lock) === undefined);
  if (!free) {
    throw new PipelineError('INSTALL_FAILED', `installing ${COMPONENTS[name].title}: ${lock} stays taken`);
  }
  if (existsSync(folder)) {
    unlock(lock);
    return folder;
  }
  try {
    await installInto(folder, COMPONENTS[name], (other) => others.get(other) ?? '');
  } finally {
    unlock(lock);
  }
  return folder;
}

async function installInto(
  folder: string,
  component: Component,
  others: (name: ComponentName) => string,
): Promise<void> {
  const partial = `${folder}.partial`;
  rmSync(partial, { recursive: true, force: true });
  mkdirSync(partial);
  await component.install(partial, runFor(component), others);
  renameSync(partial, folder);
}

function runFor(component: Component): Run {
  return async (command, args, cwd) => {
    try {
      await execa(command, args, { cwd, stdin: 'ignore', all: true });
    } catch (cause) {
      const output = cause instanceof ExecaError ? (cause.all ?? cause.shortMessage) : String(cause);
      throw new PipelineError(
        'INSTALL_FAILED',
        `installing ${component.title}: ${command} ${args[0]} failed: ${lastLines(String(output), 5)}`,
        { cause, retryable: true },
      );
    }
  };
}

function lastLines(text: string, count: number): string {
  return text.trim().split('\n').slice(-count).join(' | ');
}

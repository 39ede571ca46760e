import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from './atomic-file.js';
import { ProcessIdentitySchema } from './process-identity.js';
import { SERVICE_NAMES } from './service.js';

/**
 * - `waiting`: for a service it needs
 * - `starting`: its process runs and does not answer yet
 * - `ready`: it has answered
 * - `restarting`: it died; the next start comes after a pause
 * - `failed`: given up, because it died too often without ever answering
 */
export const PhaseSchema = z.enum([
  'waiting',
  'starting',
  'ready',
  'restarting',
  'stopping',
  'stopped',
  'failed',
]);
export type Phase = z.infer<typeof PhaseSchema>;

const ServiceStateSchema = z.object({
  phase: PhaseSchema,
  /** The running process; its pid also names its process group. */
  process: ProcessIdentitySchema.optional(),
  /** Epoch ms. */
  startedAtMs: z.number().optional(),
  restarts: z.int(),
  /** Why it died last or does not answer yet. */
  reason: z.string().optional(),
});
export type ServiceState = z.infer<typeof ServiceStateSchema>;

const StackStateSchema = z.object({
  supervisor: ProcessIdentitySchema,
  portBase: z.int(),
  cacheDir: z.string(),
  services: z.partialRecord(z.enum(SERVICE_NAMES), ServiceStateSchema),
});
/** What a supervisor writes down at every change, so that whoever comes after it finds what it has left. */
export type StackState = z.infer<typeof StackStateSchema>;

export const runFolder = (dataDir: string): string => join(dataDir, 'run');
export const lockFile = (dataDir: string): string => join(runFolder(dataDir), 'supervisor.lock');
const stateFile = (dataDir: string): string => join(runFolder(dataDir), 'state.json');
export const logFile = (dataDir: string, service: string): string => join(dataDir, 'logs', `${service}.log`);

export function readState(dataDir: string): StackState | undefined {
  let text: string;
  try {
    text = readFileSync(stateFile(dataDir), 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  }
  return StackStateSchema.parse(JSON.parse(text));
}

/** Synchronous, so that nothing happens between a process's birth and its record. */
export function writeState(dataDir: string, state: StackState): void {
  mkdirSync(runFolder(dataDir), { recursive: true });
  writeAtomically(stateFile(dataDir), JSON.stringify(state));
}

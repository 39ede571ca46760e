import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from './atomic-file.js';
import { DEFAULT_PORT_BASE } from './ports.js';

const SettingsSchema = z.object({ portBase: z.int() });

const settingsFile = (dataDir: string): string => join(dataDir, 'settings.json');

/** Whether this data directory has ports of its own already. */
export const hasPortBase = (dataDir: string): boolean => existsSync(settingsFile(dataDir));

/** The base asked for; else the one this data directory had last; else the default. Remembered for the next time. */
export function choosePortBase(dataDir: string, asked: number | undefined): number {
  const file = settingsFile(dataDir);
  const last = existsSync(file) ? SettingsSchema.parse(JSON.parse(readFileSync(file, 'utf8'))) : undefined;
  const portBase = asked ?? last?.portBase ?? DEFAULT_PORT_BASE;
  if (portBase !== last?.portBase) writeAtomically(file, JSON.stringify({ portBase }));
  return portBase;
}

import { join } from 'node:path';
import type { Command } from 'commander';
import { colours } from './colours.js';
import { stackStatus, type ServiceStatus, type StackStatus } from '../../infra/embedded/status.js';
import { dataDirectory, STACK_FILE } from '../config.js';
import { plainTable } from './table.js';

interface StatusOptions {
  readonly dataDir?: string;
  readonly json?: boolean;
}

export function addStatus(program: Command): void {
  program
    .command('status')
    .description('show the services of the embedded stack; exit code 0 when all are up, 1 otherwise')
    .option('--json', 'print JSON')
    .action(async (_options, command: Command) => {
      const { dataDir, json } = command.optsWithGlobals<StatusOptions>();
      const folder = dataDirectory(dataDir, process.env);
      const status = await stackStatus(folder, Date.now());
      if (json) console.log(JSON.stringify(status, null, 2));
      else print(status);
      process.exitCode = status.up ? 0 : 1;
    });
}

export async function printStatus(dataDir: string): Promise<void> {
  print(await stackStatus(dataDir, Date.now()));
}

function print(status: StackStatus): void {
  if (status.services.length === 0) {
    console.log(`There is no stack in ${status.dataDir}. Start one with: tidemark up`);
    return;
  }
  const table = plainTable(['service', 'state', 'pid', 'uptime', 'restarts', 'where']);
  for (const service of status.services) table.push(row(service));
  console.log(table.toString());
  for (const { title, reason, log, state } of status.services) {
    if (state !== 'up') console.log(`${title}: ${reason ?? state}; see ${log}`);
  }
  if (status.dashboards !== null) {
    const { url, user } = status.dashboards;
    console.log(
      `dashboards: ${url}   user ${user}, password: http.login in ${join(status.dataDir, STACK_FILE)}`,
    );
  }
  const logs = status.services[0]?.log.replace(/[^/]+$/, '');
  console.log(`data: ${status.dataDir}   logs: ${logs}`);
}

function row({ title, state, pid, uptimeMs, restarts, url }: ServiceStatus): (string | number)[] {
  const coloured = state === 'up' ? colours.green(state) : colours.red(state);
  return [title, coloured, pid ?? '', uptimeMs === null ? '' : duration(uptimeMs), restarts, url];
}

/** `4 s`, `12 min`, `3 h 5 min`. */
export function duration(ms: number): string {
  const minutes = Math.floor(ms / 60_000);
  if (minutes === 0) return `${Math.floor(ms / 1000)} s`;
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

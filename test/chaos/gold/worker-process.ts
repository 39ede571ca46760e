import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { openSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Stack } from '../../../infra/embedded/index.js';
import { packageRoot } from '../../../src/package-root.js';
import { ClickHouseGate } from './gate.js';

/** A control worker of the test's own, behind a gate of its own: the real program with the real configuration. */
export class WorkerProcess {
  readonly gate: ClickHouseGate;
  readonly #child: ChildProcess;

  private constructor(gate: ClickHouseGate, child: ChildProcess) {
    this.gate = gate;
    this.#child = child;
  }

  static async start({ config, dataDir }: Stack, name: string): Promise<WorkerProcess> {
    const gate = await ClickHouseGate.open(config.clickhouse.url);
    const file = join(dataDir, `${name}.json`);
    const behindGate = { ...config, clickhouse: { ...config.clickhouse, url: gate.url } };
    writeFileSync(file, JSON.stringify(behindGate), { mode: 0o600 });
    const log = openSync(join(dataDir, `${name}.log`), 'a');
    const child = spawn(process.execPath, [join(packageRoot, 'dist/src/workers/control.js')], {
      env: { ...process.env, TIDEMARK_CONFIG: file },
      stdio: ['ignore', log, log],
    });
    return new WorkerProcess(gate, child);
  }

  get isAlive(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  signal(signal: 'SIGSTOP' | 'SIGCONT'): void {
    this.#child.kill(signal);
  }

  /**
   * Shuts it down as an operator would. A worker that was woken may hold tasks that Temporal gave to its open polls while
   * it slept, and has given to others since: whatever it does with them, it must leave nothing behind.
   */
  async stop(): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    await ended;
    this.gate.close();
  }

  /** SIGKILL; a stopped process dies of it, too. */
  async kill(): Promise<void> {
    if (this.isAlive) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    this.gate.close();
  }
}

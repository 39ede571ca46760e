import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { cacheDirectory, installComponent } from '../../infra/embedded/install.js';
import { javaCommand } from '../../infra/embedded/prerequisites.js';
import { propertiesFile, saslClient } from '../../infra/embedded/services/java.js';
import type { Config } from '../../src/config.js';
import { endWithParent } from '../../test/support/end-with-parent.js';
import { groupUsage, type Usage } from '../process-usage.js';

export type Settings = Readonly<Record<string, string | number | boolean>>;

/** A program of Kafka's own, from the jars of the embedded stack, with the JVM's settings as Kafka's scripts have them. */
export class JavaProgram {
  readonly #child: ChildProcess;
  readonly #folder: string;
  #usage: Usage = { cpuMs: 0, peakRssMb: 0 };
  readonly #watch: NodeJS.Timeout;

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    // Of a process that has ended nothing can be read any more.
    this.#watch = setInterval(() => void this.usage(), 100);
  }

  /** `settings` become a properties file whose path is what `args` gets. */
  static async start(
    main: string,
    settings: Settings,
    args: (file: string) => string[],
  ): Promise<JavaProgram> {
    const libs = join(await installComponent(cacheDirectory(process.env), 'kafka'), 'libs', '*');
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-java-'));
    const file = join(folder, 'settings.properties');
    writeFileSync(file, propertiesFile(settings), { mode: 0o600 });
    const log = openSync(join(folder, 'log'), 'w');
    const child = spawn(
      javaCommand(),
      ['-Xmx1g', '-XX:+UseG1GC', '-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-cp', libs, main].concat(
        args(file),
      ),
      // A group of its own, so that its usage can be told.
      { stdio: ['ignore', log, log], detached: true },
    );
    endWithParent(child);
    return new JavaProgram(child, folder);
  }

  get running(): boolean {
    return this.#child.exitCode === null && this.#child.signalCode === null;
  }

  /** As of the last time it was seen running. */
  usage(): Usage {
    const usage = this.#child.pid === undefined ? undefined : groupUsage(this.#child.pid);
    if (usage && usage.peakRssMb > 0) this.#usage = usage;
    return this.#usage;
  }

  printed(): string {
    return readFileSync(join(this.#folder, 'log'), 'utf8');
  }

  /** Resolves when it has ended by itself. @throws Error with what it printed. */
  async ended(): Promise<void> {
    if (this.running) await once(this.#child, 'exit');
    if (this.#child.exitCode !== 0) throw new Error(`a Java program failed: ${this.printed().slice(-2_000)}`);
  }

  async close(): Promise<void> {
    clearInterval(this.#watch);
    if (this.running) {
      const exited = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await exited;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** How a Java client signs in to the stack's broker; `prefix` as in `src.`. */
export function clientSettings({ brokers, sasl }: Config['kafka'], prefix = ''): Settings {
  return {
    [`${prefix}bootstrap.servers`]: brokers.join(','),
    ...(sasl && saslClient(sasl.user, sasl.password, prefix)),
  };
}

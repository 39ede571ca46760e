import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { execa } from 'execa';
import { PipelineError } from '../../src/core/errors.js';

/** One thing the machine must have; `found` is undefined where it is missing. */
export interface Finding {
  readonly what: string;
  readonly found: string | undefined;
  readonly howToGet: string;
}

/** What `java -version`, `python3 --version` and so on print; undefined when the command is not there. */
export type Ask = (command: string, args: readonly string[]) => Promise<string | undefined>;

const answers = new Map<string, Promise<string | undefined>>();

/** Asks once per process: what is installed does not change while we look, and Java takes its time to answer. */
const ask: Ask = (command, args) => {
  const question = [command, ...args].join(' ');
  const answer = answers.get(question) ?? askNow(command, args);
  answers.set(question, answer);
  return answer;
};

const askNow: Ask = async (command, args) => {
  const result = await execa(command, args, { reject: false, all: true, stdin: 'ignore' });
  return result.failed ? undefined : result.all;
};

const MINIMUM_NODE = 20;
const MINIMUM_JAVA = 17;
const MINIMUM_PYTHON_MINOR = 10;

export function javaCommand(env: NodeJS.ProcessEnv = process.env): string {
  const own = env.JAVA_HOME ? join(env.JAVA_HOME, 'bin', 'java') : undefined;
  return own !== undefined && existsSync(own) ? own : 'java';
}

/** `openjdk version "17.0.15" 2025-04-15` -> 17; the old scheme's `1.8.0` -> 8. */
export function javaMajor(output: string): number | undefined {
  const match = /version "(?:1\.)?(\d+)/.exec(output);
  return match ? Number(match[1]) : undefined;
}

/** `Python 3.11.7` -> [3, 11]. */
export function pythonMajorMinor(output: string): readonly [number, number] | undefined {
  const match = /Python (\d+)\.(\d+)/.exec(output);
  return match ? [Number(match[1]), Number(match[2])] : undefined;
}

export const isPythonEnough = ([major, minor]: readonly [number, number]): boolean =>
  major === 3 && minor >= MINIMUM_PYTHON_MINOR;

/** What a start may need of the machine; Node is always needed. */
export type Need = 'java' | 'maven' | 'python' | 'pip';

/** Looks for what is needed; `askThe` is a parameter so that a machine without can be played. */
export async function findPrerequisites(
  needs: ReadonlySet<Need>,
  askThe: Ask = ask,
  nodeVersion = process.versions.node,
): Promise<Finding[]> {
  const look = async (
    need: Need,
    finding: Finding,
    find: () => Promise<string | undefined>,
  ): Promise<Finding[]> => (needs.has(need) ? [{ ...finding, found: await find() }] : []);
  const found = await Promise.all([
    look('java', JAVA, () => findJava(askThe)),
    look('maven', MAVEN, () => findMaven(askThe)),
    look('python', PYTHON, () => findPython(askThe)),
    look('pip', PIP, async () => askThe((await findPython(askThe)) ?? 'python3', ['-m', 'pip', '--version'])),
  ]);
  const isNodeEnough = Number(nodeVersion.split('.')[0]) >= MINIMUM_NODE;
  return [{ ...NODE, found: isNodeEnough ? nodeVersion : undefined }, ...found.flat()];
}

const NODE: Finding = {
  what: `Node.js ${MINIMUM_NODE} or newer`,
  found: undefined,
  howToGet: 'Debian, Ubuntu: apt install nodejs; Fedora: dnf install nodejs; macOS: brew install node',
};
const JAVA: Finding = {
  what: `Java ${MINIMUM_JAVA} or newer`,
  found: undefined,
  howToGet:
    'Debian, Ubuntu: apt install openjdk-17-jre-headless; Fedora: dnf install java-21-openjdk-headless; macOS: brew install openjdk',
};
const MAVEN: Finding = {
  what: 'Maven',
  found: undefined,
  howToGet:
    'Debian, Ubuntu: apt install maven; Fedora: dnf install maven; macOS: brew install maven; or a Maven wrapper, `mvnw`, on the PATH or in the folder where this runs',
};
const PYTHON: Finding = {
  what: `Python 3.${MINIMUM_PYTHON_MINOR} or newer`,
  found: undefined,
  howToGet: 'Debian, Ubuntu: apt install python3; Fedora: dnf install python3; macOS: brew install python',
};
const PIP: Finding = {
  what: 'pip for that Python',
  found: undefined,
  howToGet:
    'Debian, Ubuntu: apt install python3-pip; Fedora: dnf install python3-pip; elsewhere: python3 -m ensurepip',
};

/** The one message: everything that is missing, each with how to get it. Undefined when nothing is. */
export function describeMissing(findings: readonly Finding[]): string | undefined {
  const missing = findings.filter(({ found }) => found === undefined);
  if (missing.length === 0) return undefined;
  const lines = missing.map(({ what, howToGet }) => `  - ${what} (${howToGet})`);
  return `checking prerequisites: this machine lacks\n${lines.join('\n')}\n `;
}

/** @throws PipelineError `MISSING_PREREQUISITES` naming all of them at once. */
export async function checkPrerequisites(needs: ReadonlySet<Need>, askThe: Ask = ask): Promise<void> {
  const message = describeMissing(await findPrerequisites(needs, askThe));
  if (message !== undefined) throw new PipelineError('MISSING_PREREQUISITES', message);
}

async function findJava(askThe: Ask): Promise<string | undefined> {
  const output = await askThe(javaCommand(), ['-version']);
  const major = output === undefined ? undefined : javaMajor(output);
  return major !== undefined && major >= MINIMUM_JAVA ? String(major) : undefined;
}

/** The system's own first; where that is too old, a newer one may lie beside it. */
const PYTHONS = ['python3', 'python3.13', 'python3.12', 'python3.11', 'python3.10', 'python'];

async function findPython(askThe: Ask): Promise<string | undefined> {
  for (const command of PYTHONS) {
    const output = await askThe(command, ['--version']);
    const version = output === undefined ? undefined : pythonMajorMinor(output);
    if (version !== undefined && isPythonEnough(version)) return command;
  }
  return undefined;
}

/** Maven itself first; where it is missing, a wrapper serves as well. */
async function findMaven(askThe: Ask): Promise<string | undefined> {
  for (const command of ['mvn', 'mvnw', join(process.cwd(), 'mvnw')]) {
    if ((await askThe(command, ['--version'])) !== undefined) return command;
  }
  return undefined;
}

export const mavenCommand = async (): Promise<string> => (await findMaven(ask)) ?? 'mvn';

let python: Promise<string> | undefined;

/** The first Python that is new enough. */
export function pythonCommand(): Promise<string> {
  python ??= findPython(ask).then((command) => command ?? 'python3');
  return python;
}

/** `3.11`: what wheels are built for. */
export async function pythonVersion(): Promise<string> {
  const output = await ask(await pythonCommand(), ['--version']);
  return (output === undefined ? undefined : pythonMajorMinor(output))?.join('.') ?? 'none';
}

/** What `java -version` prints: a class archive serves one build of Java only. */
export async function javaVersion(): Promise<string> {
  return (await ask(javaCommand(), ['-version'])) ?? 'none';
}

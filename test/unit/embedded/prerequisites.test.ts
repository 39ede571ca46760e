import assert from 'node:assert/strict';
import { basename } from 'node:path';
import { componentsOf, needsOf } from '../../../infra/embedded/plan.js';
import {
  checkPrerequisites,
  describeMissing,
  findPrerequisites,
  javaMajor,
  pythonMajorMinor,
  type Ask,
  type Need,
} from '../../../infra/embedded/prerequisites.js';

const EVERYTHING: ReadonlySet<Need> = new Set(['java', 'maven', 'python', 'pip']);

/** A machine on which these commands answer so, and no others exist. */
const machine =
  (commands: Readonly<Record<string, string>>): Ask =>
  (command, args) =>
    Promise.resolve(commands[[basename(command), ...args].join(' ')]);

const COMPLETE = {
  'java -version': 'openjdk version "17.0.15" 2025-04-15',
  'mvn --version': 'Apache Maven 3.8.7',
  'python3 --version': 'Python 3.11.7',
  'python3 -m pip --version': 'pip 23.2.1 (python 3.11)',
};

async function missingOn(commands: Readonly<Record<string, string>>, needs = EVERYTHING, node = '20.20.2') {
  const findings = await findPrerequisites(needs, machine(commands), node);
  return findings.filter(({ found }) => found === undefined).map(({ what }) => what);
}

describe('prerequisites of the embedded stack', () => {
  it('are met by a machine that has all of them', async () => {
    assert.deepEqual(await missingOn(COMPLETE), []);
    await checkPrerequisites(EVERYTHING, machine(COMPLETE));
  });

  it('are met by a Maven wrapper where Maven is missing', async () => {
    const { 'mvn --version': maven, ...others } = COMPLETE;
    assert.deepEqual(await missingOn({ ...others, 'mvnw --version': maven }), []);
    assert.deepEqual(await missingOn(others), ['Maven']);
  });

  it('are all named in one message, each with how to get it', async () => {
    await assert.rejects(checkPrerequisites(EVERYTHING, machine({})), (error: Error) => {
      assert.equal((error as { code?: string }).code, 'MISSING_PREREQUISITES');
      for (const name of ['Java 17', 'Maven', 'Python 3.10', 'pip']) {
        const line = error.message.split('\n').find((one) => one.includes(`- ${name}`));
        assert.match(line ?? '', /\(.*(apt install|ensurepip).*\)/, `${name}: ${error.message}`);
      }
      return true;
    });
  });

  it('are asked for only as far as they are needed', async () => {
    assert.deepEqual(await missingOn({}, new Set()), []);
    assert.deepEqual(await missingOn({}, new Set<Need>(['java'])), ['Java 17 or newer']);
  });

  const tooOld: [string, Record<string, string>, string, string][] = [
    ['Java 11', { 'java -version': 'openjdk version "11.0.2" 2019-01-15' }, '20.20.2', 'Java 17 or newer'],
    ['Java 8', { 'java -version': 'java version "1.8.0_202"' }, '20.20.2', 'Java 17 or newer'],
    ['Python 3.9', { 'python3 --version': 'Python 3.9.2' }, '20.20.2', 'Python 3.10 or newer'],
    ['Node 18', {}, '18.19.0', 'Node.js 20 or newer'],
  ];
  for (const [name, commands, node, what] of tooOld) {
    it(`count ${name} as missing`, async () => {
      const missing = await missingOn({ ...COMPLETE, ...commands }, EVERYTHING, node);
      assert.ok(missing.includes(what), missing.join(', '));
    });
  }

  it('are met by a newer Python beside an old one', async () => {
    const commands = {
      ...COMPLETE,
      'python3 --version': 'Python 3.9.2',
      'python3.12 --version': 'Python 3.12.1',
      'python3.12 -m pip --version': 'pip 24.0 (python 3.12)',
    };
    assert.deepEqual(await missingOn(commands), []);
  });

  it('leave nothing to say when nothing is missing', async () => {
    assert.equal(describeMissing(await findPrerequisites(EVERYTHING, machine(COMPLETE))), undefined);
  });
});

describe('what a start needs of the machine', () => {
  it('includes Maven and pip only while something is to be installed', () => {
    const names = ['kafka', 'connect', 'mongo', 'postgres'] as const;
    assert.deepEqual(needsOf(names, []), new Set<Need>(['java', 'python']));
    assert.deepEqual(needsOf(names, componentsOf(names)), new Set<Need>(['java', 'python', 'maven', 'pip']));
  });

  it('is nothing for services that run from packages alone', () => {
    assert.deepEqual(needsOf(['postgres', 'clickhouse', 'temporal'], []), new Set());
  });
});

describe('versions as the tools print them', () => {
  it('are read from Java, new scheme and old', () => {
    assert.equal(javaMajor('openjdk version "21" 2023-09-19'), 21);
    assert.equal(javaMajor('java version "1.8.0_202"'), 8);
    assert.equal(javaMajor('Picked up _JAVA_OPTIONS: -Xmx1g\nopenjdk version "17.0.1"'), 17);
    assert.equal(javaMajor('command not found'), undefined);
  });

  it('are read from Python', () => {
    assert.deepEqual(pythonMajorMinor('Python 3.11.7'), [3, 11]);
    assert.deepEqual(pythonMajorMinor('Python 3.14.0rc2'), [3, 14]);
    assert.equal(pythonMajorMinor(''), undefined);
  });
});

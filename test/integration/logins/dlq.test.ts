import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { z } from 'zod';
import { loginRemedy } from '../../../src/core/logins/remedy.js';
import { LOGIN_RULES, type LoginRules } from '../../../src/core/logins/rules.js';
import { generateLogins } from '../../../src/generate/logins.js';
import { loginOptions } from '../../../src/generate/logins-options.js';
import { Random } from '../../../src/generate/random.js';
import type { DeadLetterList, RedriveInput, RedriveReport, ShownDeadLetter } from '../../../src/messages.js';
import { packageRoot } from '../../../src/package-root.js';
import { listDeadLetters } from '../../../src/stream/dead-letters/look.js';
import {
  dryRunRedrive,
  redriveDeadLetters,
  type RedriveDeps,
} from '../../../src/stream/dead-letters/redrive.js';
import { KafkaConnection } from '../../../src/stream/kafka-connection.js';
import { freeze } from '../../../src/stream/log-positions.js';
import { assertOneLine, tidemark } from '../../support/cli.js';
import { readRedriven, writeLetters, type WrittenLetter } from '../../support/dead-letters.js';
import { endWithParent } from '../../support/end-with-parent.js';
import type { RedriveOrder } from '../../support/redrive-process.js';
import { useStack } from '../../support/stack.js';
import { Topics } from '../../support/topics.js';

const PARTITIONS = 3;
const PROCESS = join(packageRoot, 'dist', 'test', 'support', 'redrive-process.js');

/** Locales of three letters pass: a rule that somebody changed. */
const LOCALE_RULES: LoginRules = {
  ...LOGIN_RULES,
  locale: {
    ...LOGIN_RULES.locale,
    schema: z
      .string()
      .regex(/^[a-z]{2,3}([-_][a-z]{2})?$/i)
      .transform((text) => text.toUpperCase()),
  },
};
/** Then also versions of two numbers. */
const VERSION_RULES: LoginRules = {
  ...LOCALE_RULES,
  app_version: {
    ...LOGIN_RULES.app_version,
    schema: z
      .string()
      .regex(/^\d+\.\d+(\.\d+)?$/)
      .transform((text) => {
        const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
        return { major, minor, patch };
      }),
  },
};

const SAMPLE = {
  user_id: '424cdd21-063a-43a7-b91b-7ca1a833afae',
  app_version: '2.3.0',
  device_type: 'android',
  ip: '199.172.111.135',
  locale: 'RU',
  device_id: '593-47-5928',
  timestamp: '1694479551',
};

const stageOf = (reason: string): WrittenLetter['letter']['stage'] => {
  if (reason === 'TOO_LATE') return 'late';
  return /^(INVALID_UTF8|INVALID_JSON|NOT_AN_OBJECT)$/.test(reason) ? 'parse' : 'validate';
};

/** What is broken in a generated stream, as letters. */
function generatedLetters(): WrittenLetter[] {
  const options = loginOptions({
    messages: 40_000,
    rate: 50,
    partitions: PARTITIONS,
    invalid: 0.05,
    late: 0.02,
  });
  const offsets = Array.from({ length: PARTITIONS }, () => 0);
  const letters: WrittenLetter[] = [];
  for (const { partition, key, value, truth } of generateLogins(options)) {
    const offset = offsets[partition]!++;
    if (truth.outcome !== 'dlq') continue;
    const letter = { reason: truth.reason, stage: stageOf(truth.reason) };
    letters.push({ key, value, partition, offset, letter });
  }
  return letters;
}

const fields = ({ value }: WrittenLetter): Partial<Record<string, unknown>> =>
  JSON.parse(value!.toString()) as Partial<Record<string, unknown>>;
const place = ({ partition, offset }: WrittenLetter): string => `${partition}:${offset}`;

describe('dead letters', function () {
  this.timeout(120_000);
  this.slow(20_000);
  const stack = useStack(['kafka']);
  let topics: Topics;
  let kafka: KafkaConnection;

  before(async () => {
    topics = await Topics.open(stack().config.kafka);
    kafka = await KafkaConnection.open(stack().config.kafka);
  });
  after(async () => {
    await topics?.close();
    await kafka?.close();
  });

  const deps = (rules: LoginRules): RedriveDeps => ({
    kafka,
    admin: topics.admin,
    now: Date.now,
    remedy: loginRemedy(rules),
  });
  const scene = async (
    name: string,
    letters: readonly WrittenLetter[],
  ): Promise<RedriveInput & { target: string }> => {
    const topic = await topics.create(`${name}.dlq`, PARTITIONS);
    const target = await topics.create(`${name}.clean`, PARTITIONS);
    await writeLetters(kafka, topic, letters);
    return { topic, target };
  };
  const ends = async (topic: string): Promise<number[]> =>
    (await freeze(kafka, topic)).partitions.map(({ highWatermark }) => highWatermark);

  describe('after a rule was changed', () => {
    const letters = generatedLetters();
    const nowValid = letters.filter(
      (letter) => letter.letter.reason === 'INVALID_LOCALE' && fields(letter).locale === 'RUS',
    );
    const laterValid = letters.filter(
      (letter) => letter.letter.reason === 'INVALID_APP_VERSION' && fields(letter).app_version === '2.3',
    );
    const late = letters.filter(({ letter }) => letter.stage === 'late');
    let input: RedriveInput & { target: string };
    before(async () => {
      input = await scene('changed', letters);
      assert.ok(nowValid.length > 20 && laterValid.length > 20 && late.length > 20);
    });
    const redriven = async (): Promise<string[]> =>
      (await readRedriven(topics, input.target)).map(({ origin }) => origin).sort();

    it('are listed by reason, as many as there are', async () => {
      const { letters: total, foreign, groups } = await listDeadLetters(kafka, input.topic);
      assert.deepEqual([total, foreign], [letters.length, 0]);
      const expected = new Map<string, number>();
      for (const { letter } of letters) expected.set(letter.reason, (expected.get(letter.reason) ?? 0) + 1);
      assert.deepEqual(
        new Map(groups.map(({ reason, letters: own }) => [reason, own])),
        new Map([...expected].sort(([, a], [, b]) => b - a)),
      );
    });

    it('do not pass the rules under which they were given up', async () => {
      const { passes, read } = await dryRunRedrive(deps(LOGIN_RULES), input);
      assert.deepEqual({ passes, read }, { passes: 0, read: letters.length });
    });

    it('pass a dry run where the new rules take them, which writes nothing', async () => {
      const before = await ends(input.target);
      const { passes, groups } = await dryRunRedrive(deps(LOCALE_RULES), input);
      assert.equal(passes, nowValid.length);
      assert.deepEqual(
        groups.filter((group) => group.passes > 0).map((group) => [group.reason, group.passes]),
        [['INVALID_LOCALE', nowValid.length]],
      );
      assert.deepEqual(await ends(input.target), before);
    });

    it('arrive once, exactly those, with where they came from', async () => {
      const report = await redriveDeadLetters(deps(LOCALE_RULES), input);
      assert.deepEqual([report.outcome, report.passes], ['finished', nowValid.length]);
      const found = await readRedriven(topics, input.target);
      const expected = nowValid.map((letter) => ({
        partition: letter.partition,
        origin: place(letter),
        headers: ['tidemark', 'tidemark.attempt'],
        timestampMs: 1_000 + letter.offset,
        attempt: '1',
        key: String(fields(letter).user_id).toLowerCase(),
        locale: 'RUS',
        device: fields(letter).device_id,
      }));
      const seen = found.map(({ value, ...record }) => ({
        ...record,
        locale: value.locale,
        device: value.device_id,
      }));
      const sorted = <T extends { origin: string }>(list: readonly T[]): T[] =>
        [...list].sort((a, b) => (a.origin < b.origin ? -1 : 1));
      assert.deepEqual(sorted(seen), sorted(expected));
    });

    it('do not arrive again when they are redriven again', async () => {
      const { passes, groups } = await redriveDeadLetters(deps(LOCALE_RULES), input);
      const done = groups.map((group) => group.done).reduce((sum, count) => sum + count, 0);
      assert.deepEqual({ passes, done }, { passes: 0, done: nowValid.length });
      assert.deepEqual(await redriven(), nowValid.map(place).sort());
      const { groups: listed } = await listDeadLetters(kafka, input.topic);
      assert.deepEqual(
        listed.filter((group) => group.redriven > 0).map((group) => [group.reason, group.redriven]),
        [['INVALID_LOCALE', nowValid.length]],
      );
    });

    it('that stayed are looked at again under the next change', async () => {
      const { passes } = await redriveDeadLetters(deps(VERSION_RULES), input);
      assert.equal(passes, laterValid.length);
      assert.deepEqual(await redriven(), [...nowValid, ...laterValid].map(place).sort());
    });

    it('that were only too late stay, unless they are asked for by name', async () => {
      const asked = { ...input, acceptLate: true, reasons: ['TOO_LATE'] };
      const { passes, unselected } = await redriveDeadLetters(deps(LOGIN_RULES), asked);
      assert.deepEqual(
        { passes, unselected },
        { passes: late.length, unselected: letters.length - late.length },
      );
      assert.deepEqual(await redriven(), [...nowValid, ...laterValid, ...late].map(place).sort());
    });
  });

  it('are held back after three attempts, and records that are none are left alone', async () => {
    const value = Buffer.from(JSON.stringify(SAMPLE));
    const attempts = [0, 1, 2, 3, 4].map((attempt): WrittenLetter => ({
      key: null,
      value,
      partition: 0,
      offset: attempt,
      letter: { stage: 'validate', reason: 'INVALID_LOCALE', attempt },
    }));
    const input = await scene('loops', attempts);
    await topics.write(input.topic, [{ value: 'not a letter', headers: { 'tidemark.reason': 'NONE' } }]);
    const report = await redriveDeadLetters(deps(LOGIN_RULES), input);
    assert.deepEqual(
      { read: report.read, passes: report.passes, foreign: report.foreign, held: report.groups[0]?.held },
      { read: 6, passes: 3, foreign: 1, held: 2 },
    );
    const found = await readRedriven(topics, input.target);
    assert.deepEqual(found.map(({ origin, attempt }) => `${origin} ${attempt}`).sort(), [
      '0:0 1',
      '0:1 2',
      '0:2 3',
    ]);
  });

  it('arrive once although whoever redrives them is killed five times in between', async () => {
    const value = Buffer.from(JSON.stringify(SAMPLE));
    const letters = Array.from({ length: 30_000 }, (_, index): WrittenLetter => ({
      key: null,
      value,
      partition: index % PARTITIONS,
      offset: index,
      letter: { stage: 'validate', reason: 'INVALID_LOCALE' },
    }));
    const input = await scene('killed', letters);
    const order: RedriveOrder = { kafka: stack().config.kafka, input, commitRecords: 500 };
    const random = Random.of(5, 0x646c71);
    for (let kill = 0; kill < 5; kill++) {
      const outcome = await runUntil(order, random.int(2, 10), random.int(0, 12));
      assert.equal(outcome, 'killed', 'the redrive ended before it was killed');
    }
    const before = (await ends(input.target)).reduce((sum, end) => sum + end, 0);
    assert.ok(before > 0 && before < letters.length, `${before} written by those that were killed`);
    const report = await runUntil(order, Infinity, 0);
    assert.ok(typeof report === 'object' && report.outcome === 'finished' && report.passes < letters.length);
    const found = (await readRedriven(topics, input.target)).map(({ origin }) => origin);
    assert.deepEqual(found.sort(), letters.map(place).sort());
  });

  it('arrive once although two redrive them at the same time: the later one fences the earlier', async () => {
    const value = Buffer.from(JSON.stringify(SAMPLE));
    const letters = Array.from({ length: 20_000 }, (_, index): WrittenLetter => ({
      key: null,
      value,
      partition: index % PARTITIONS,
      offset: index,
      letter: { stage: 'validate', reason: 'INVALID_LOCALE' },
    }));
    const input = await scene('two', letters);
    let second: Promise<RedriveReport> | undefined;
    const slow = { ...deps(LOGIN_RULES), limits: { commitRecords: 500 } };
    const report = (): void => void (second ??= redriveDeadLetters(slow, input));
    const first = redriveDeadLetters({ ...slow, report }, input);
    await assert.rejects(first, { code: 'FENCED' });
    assert.equal((await second)?.outcome, 'finished');
    const found = (await readRedriven(topics, input.target)).map(({ origin }) => origin);
    assert.deepEqual(found.sort(), letters.map(place).sort());
  });

  it('are there on the command line', async () => {
    const bad = Buffer.from(JSON.stringify({ ...SAMPLE, ip: 'localhost' }));
    const good = Buffer.from(JSON.stringify(SAMPLE));
    const input = await scene('shell', [
      {
        key: Buffer.from('k'),
        value: bad,
        partition: 0,
        offset: 7,
        letter: { stage: 'validate', reason: 'INVALID_IP' },
      },
      {
        key: null,
        value: good,
        partition: 1,
        offset: 8,
        letter: { stage: 'validate', reason: 'INVALID_LOCALE' },
      },
      {
        key: null,
        value: Buffer.from([0xff]),
        partition: 2,
        offset: 9,
        letter: { stage: 'parse', reason: 'INVALID_UTF8' },
      },
    ]);
    const dlq = (...args: string[]) =>
      tidemark(['--data-dir', stack().dataDir, 'dlq', ...args, '--topic', input.topic]);
    const json = async <T>(...args: string[]): Promise<T> => {
      const { exitCode, stdout, stderr } = await dlq(...args, '--json');
      assert.equal(exitCode, 0, stderr);
      return JSON.parse(stdout) as T;
    };
    const list = await json<DeadLetterList>('list');
    assert.deepEqual(list.groups.map(({ reason, samples }) => [reason, samples[0]]).sort(), [
      ['INVALID_IP', '0:0'],
      ['INVALID_LOCALE', '1:0'],
      ['INVALID_UTF8', '2:0'],
    ]);
    const shown = await json<ShownDeadLetter>('show', '0:0');
    assert.deepEqual(
      [shown.reason, shown.today, shown.source.offset, shown.key, shown.value],
      ['INVALID_IP', 'INVALID_IP', '7', { text: 'k' }, { text: bad.toString() }],
    );
    assertOneLine(await dlq('show', '0:99'), /no dead letter is there/);
    assert.match((await dlq('dry-run')).stdout, /1 of 3 records would go to shell\.clean/);
    assert.match((await dlq('redrive')).stdout, /1 of 3 records went to shell\.clean/);
    const found = await readRedriven(topics, input.target);
    assert.deepEqual(
      found.map(({ origin }) => origin),
      ['1:8'],
    );
    assertOneLine(
      await tidemark(['--data-dir', stack().dataDir, 'dlq', 'list', '--topic', 'nowhere.dlq']),
      /nowhere\.dlq: there is none/,
    );
  });
});

/** Runs a redrive until so many commits and some milliseconds; its report when it ends by itself before that. */
async function runUntil(
  order: RedriveOrder,
  commits: number,
  delayMs: number,
): Promise<'killed' | RedriveReport> {
  const child = spawn(process.execPath, [PROCESS, JSON.stringify(order)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  endWithParent(child);
  const closed = once(child, 'close') as Promise<[number | null, NodeJS.Signals | null]>;
  let seen = 0;
  let report: RedriveReport | undefined;
  for await (const line of createInterface(child.stdout)) {
    if (line !== 'commit') report = JSON.parse(line) as RedriveReport;
    else if (++seen === commits) setTimeout(() => child.kill('SIGKILL'), delayMs);
  }
  const [exitCode, signal] = await closed;
  if (signal === 'SIGKILL' && report === undefined) return 'killed';
  assert.equal(exitCode, 0);
  return report!;
}

import assert from 'node:assert/strict';
import { writeFileSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { once } from 'node:events';
import type { Config } from '../../../src/config.js';
import { connectMongo } from '../../../src/clients/mongo.js';
import { USERS_TOPIC } from '../../../src/core/names.js';
import type { CheckResult, VerificationResult } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { assertOneLine, tidemark as run, type Ran } from '../../support/cli.js';
import { SourceWriter } from '../../support/source-writer.js';
import { useGoldStack } from '../../support/use-gold-stack.js';
import { faultsOfShape } from '../../support/verification-shape.js';
import { describe as say, passesAgain, VERIFY_SERVICES, verifyHops } from '../../support/verify-stack.js';
import { WorkerProcess } from '../../support/worker-process.js';

/** How often a healthy deployment under load is verified here; ten times by `TIDEMARK_VERIFY_TIMES=10`. */
const TIMES = Number(process.env.TIDEMARK_VERIFY_TIMES ?? 3);

describe('verifying a deployment', function () {
  this.timeout(120_000);
  const gold = useGoldStack({ services: VERIFY_SERVICES });
  const cli = (...args: string[]): Promise<Ran> =>
    run(['--data-dir', gold().stack.dataDir, 'verify', ...args]);

  before(async function () {
    this.timeout(120_000);
    await gold().tidemark.schedule.apply();
    await passesAgain(gold());
  });

  it('passes a healthy one under load, every time, with the canary and the contents', async function () {
    this.timeout(TIMES * 120_000);
    const { postgres, stack, tidemark } = gold();
    const mongo = await connectMongo(stack.config);
    const writer = new SourceWriter(postgres, mongo, mongo.db(stack.config.mongo.database), 7);
    const stopping = new AbortController();
    const load = writeUntil(writer, stopping.signal);
    try {
      for (let time = 1; time <= TIMES; time += 1) {
        const result = await tidemark.verify.run();
        assert.equal(result.verdict, 'Passed', `verification ${time}: ${say(result)}`);
        assert.deepEqual(faultsOfShape(result), []);
      }
    } finally {
      stopping.abort();
      await load;
      await mongo.close();
    }
    assert.ok(writer.userMessages > 50 && writer.eventMessages > 50, 'there was a load');
  });

  it('takes a stream worker for well that is busy with a slice, and so does not answer', async () => {
    const { replay, verify } = gold().tidemark;
    const job = 'verify-busy';
    // Slow enough to last for as long as it is looked at.
    const rate = { recordsPerSecond: 1 };
    await replay.start({
      job,
      source: USERS_TOPIC,
      target: 'verify-busy',
      selection: {},
      createTarget: true,
      rate,
    });
    try {
      const atWork = async (): Promise<CheckResult | false> => {
        const { checks } = await verify.run({ only: ['workers'], retries: 0 });
        const [found] = checks;
        const queues = found?.evidence.queues as readonly { atWork: boolean }[];
        return queues.some((queue) => queue.atWork) && found!;
      };
      const found = await waitUntil('the worker to be seen at work', atWork, { timeoutMs: 60_000 });
      assert.equal(found.verdict, 'Passed', found.summary);
    } finally {
      await replay.cancel(job);
    }
  });

  it('keeps every result, as it was given', async () => {
    const { tidemark } = gold();
    const first = await verifyHops(gold(), { requestedBy: 'one', failureLimit: 3 });
    const second = await verifyHops(gold(), { requestedBy: 'two' });
    assert.deepEqual(await tidemark.verify.history({ limit: 2 }), [second, first]);
    const { stdout } = await cli('--history', '1');
    assert.match(stdout.split('\n')[1] ?? '', /Passed +two +\d+ of \d+ checks passed/);
  });

  describe('tidemark verify', () => {
    it('prints JSON of the published shape; exit code 0', async () => {
      const { exitCode, stdout, stderr } = await cli('--only', 'publication,kafka-quorum', '--json');
      assert.deepEqual([exitCode, stderr], [0, '']);
      const result = JSON.parse(stdout) as VerificationResult;
      assert.deepEqual(faultsOfShape(result), []);
      assert.deepEqual(
        result.checks.map(({ check }) => check),
        ['kafka-quorum', 'publication'],
      );
    });

    it('prints a table, what to do next and the verdict; exit code 1', async () => {
      const { schedule } = gold().tidemark;
      await schedule.pause('a test');
      try {
        const { exitCode, stdout } = await cli('--only', 'publication,temporal-schedule', '--retries', '0');
        assert.equal(exitCode, 1);
        const lines = stdout.split('\n').map((line) => line.trim());
        assert.match(lines[1] ?? '', /^publication +postgres +Passed +[\d.]+ s +publication tidemark has/);
        assert.match(lines[2] ?? '', /^temporal-schedule +temporal +Failed +.*is paused \(a test\)$/);
        assert.deepEqual(lines.slice(3), [
          'temporal-schedule: tidemark schedule resume',
          'Failed: 1 of 2 checks passed; failed at temporal',
        ]);
        const within = await cli('--only', 'temporal-schedule', '--retries', '0', '--failure-limit', '1');
        assert.equal(within.exitCode, 0);
      } finally {
        await schedule.resume('a test');
      }
    });

    it('--repair shows what it will write, and then makes silver right', async () => {
      const { clickhouse, postgres } = gold();
      const [changed, extra] = ['7000001', '7000002'];
      await postgres.query(
        `INSERT INTO users (user_id, full_name, email) VALUES (${changed}, 'Right', 'right@example.com')`,
      );
      const names = async () => {
        const query = `SELECT user_id, full_name FROM users WHERE user_id IN (${changed}, ${extra}) ORDER BY user_id`;
        return (await clickhouse.query({ query, format: 'JSONCompactEachRow' })).json<string[]>();
      };
      const arrived = async () => (await names()).length === 1;
      await waitUntil('the user to be in silver', arrived, { timeoutMs: 60_000 });
      const right = await names();
      const settings = 'SETTINGS mutations_sync = 2';
      for (const query of [
        `ALTER TABLE silver_users UPDATE full_name = 'wrong' WHERE user_id = ${changed} ${settings}`,
        `INSERT INTO silver_users (user_id, full_name, email, version)
         SELECT ${extra}, 'nobody', '', version - 1 FROM silver_users WHERE user_id = ${changed}`,
      ])
        await clickhouse.command({ query });
      const plan = [
        'users-content: of 2 keys that differ a repair writes 1 and deletes 1',
        `  write ${changed}`,
        `  delete ${extra}`,
      ].join('\n');
      const planned = await cli('--only', 'users-content', '--retries', '0', '--repair', 'plan');
      assert.deepEqual([planned.exitCode, planned.stderr], [1, plan]);
      const repaired = await cli('--only', 'users-content', '--repair');
      assert.deepEqual([repaired.exitCode, repaired.stderr], [0, plan], repaired.stdout);
      assert.match(repaired.stdout, /silver_users had differed, and was repaired: .* of \d+ rows/);
      assert.deepEqual(await names(), right);
      const again = await cli('--only', 'users-content', '--repair');
      assert.deepEqual([again.exitCode, again.stderr], [0, ''], 'there is nothing left to repair');
    });

    it('does not take the answer to another question; exit code 2', async () => {
      const first = gold().tidemark.verify.run({ only: ['publication'], initialDelayMs: 8_000 });
      const busy = waitUntil(
        'the other to be refused',
        async () => {
          const ran = await cli('--only', 'kafka-quorum');
          return ran.exitCode === 2 && ran;
        },
        { timeoutMs: 8_000 },
      );
      assertOneLine(await busy, /a verification with other options is under way \(VERIFICATION_RUNNING\)/);
      assert.equal((await first).verdict, 'Passed');
    });

    const usage: [string[], RegExp][] = [
      [['--only', 'nothing'], /there is no nothing; there are kafka-quorum, .*\(BAD_CHECKS\)/],
      [['--skip', 'canry'], /there is no canry/],
      [['--retries', 'often'], /expected a whole number/],
      [['--repair', 'all'], /expected plan, apply or nothing/],
      [['--bogus'], /unknown option '--bogus'/],
      [['--data-dir', '/nonexistent'], /no stack is set up there/],
    ];
    for (const [args, says] of usage) {
      it(`${args.join(' ')}: one line, exit code 3`, async () => {
        const ran = await cli(...args);
        assertOneLine(ran, says);
        assert.equal(ran.exitCode, 3);
      });
    }
  });

  describe('GET /verify of the worker', () => {
    let worker: WorkerProcess;
    let url: string;

    before(async function () {
      this.timeout(120_000);
      const { stack } = gold();
      const port = await freePort();
      url = `http://127.0.0.1:${port}/verify`;
      const config: Config = { ...stack.config, http: { host: '127.0.0.1', port } };
      const file = join(stack.dataDir, 'with-http.json');
      writeFileSync(file, JSON.stringify(config), { mode: 0o600 });
      worker = new WorkerProcess(stack, 'src/workers/control.js', file);
      await worker.polls(stack, 'tidemark-control', 'workflow');
    });
    after(() => worker?.end());

    const ask = async (query: string): Promise<{ status: number; result: VerificationResult }> => {
      const response = await fetch(`${url}?${query}`);
      return { status: response.status, result: (await response.json()) as VerificationResult };
    };

    it('two at once share one verification', async () => {
      const [one, other] = await Promise.all([
        ask('only=workers,publication'),
        ask('only=workers,publication'),
      ]);
      assert.deepEqual([one.status, other.status], [200, 200]);
      assert.equal(one.result.runId, other.result.runId);
      assert.deepEqual(faultsOfShape(one.result), []);
    });

    it('a broken deployment is no 2xx, but for who judges the body', async () => {
      const { schedule } = gold().tidemark;
      await schedule.pause('a test');
      try {
        const { status, result } = await ask('only=temporal-schedule&retries=0');
        assert.deepEqual([status, result.verdict], [424, 'Failed']);
        assert.equal((await ask('only=temporal-schedule&retries=0&status=200')).status, 200);
      } finally {
        await schedule.resume('a test');
      }
    });
  });
});

/** A steady load on few keys, which leaves the machine to the pipeline. */
async function writeUntil(writer: SourceWriter, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await writer.write(5);
    await pause(200);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Config } from '../../../src/config.js';
import { assertOneLine, tidemark } from '../../support/cli.js';
import { useStack } from '../../support/stack.js';

/** Nothing listens on port 1, which is reserved. */
const NOWHERE: Config = {
  kafka: { brokers: ['127.0.0.1:1'], tls: false },
  connect: { url: 'http://127.0.0.1:1' },
  postgres: { host: '127.0.0.1', port: 1, database: 'commerce', user: 'tidemark', password: 'x' },
  replication: { user: 'debezium', password: 'x' },
  mongo: { uri: 'mongodb://127.0.0.1:1', database: 'commerce' },
  clickhouse: { url: 'http://127.0.0.1:1', database: 'tidemark', user: 'tidemark', password: 'x' },
  temporal: { address: '127.0.0.1:1', namespace: 'default' },
};

const DAY = '2026-01-01';

describe('bad input at the command line', function () {
  this.timeout(60_000);
  let folder = '';
  before(() => (folder = mkdtempSync(join(tmpdir(), 'tidemark-cli-'))));
  after(() => rmSync(folder, { recursive: true }));

  /** Runs against services that are where `config` says. */
  function against(config: unknown, ...args: string[]) {
    const file = join(folder, 'config.json');
    writeFileSync(file, typeof config === 'string' ? config : JSON.stringify(config), { mode: 0o600 });
    return tidemark(['--data-dir', folder, ...args], { TIDEMARK_CONFIG: file });
  }

  const words: [name: string, args: string[], says: RegExp][] = [
    ['a day in the future', ['gold', 'run', '2999-01-01'], /2999-01-01.*\(DAY_IN_FUTURE\)$/],
    ['a day that is none', ['gold', 'run', '2026-13-45'], /"2026-13-45".*YYYY-MM-DD \(BAD_DAY\)$/],
    ['a word for a day', ['gold', 'run', 'hello'], /"hello".*YYYY-MM-DD \(BAD_DAY\)$/],
    ['a word for a day to show', ['gold', 'show', 'hello'], /"hello".*YYYY-MM-DD \(BAD_DAY\)$/],
    ['no day to show', ['gold', 'show'], /missing required argument 'date'/],
    ['a bad number', ['gold', 'run', '2026-01-01', '--gate-timeout', 'soon'], /'soon' is invalid.*seconds/],
    ['a range from its end', ['gold', 'backfill', '2026-01-02', '2026-01-01'], /first .*\(BAD_RANGE\)$/],
    ['a range that is not over', ['gold', 'backfill', '2026-01-01', '2999-01-01'], /over .*\(BAD_RANGE\)$/],
    ['a range of ages', ['gold', 'backfill', '1990-01-01', '2026-01-01'], /7305 days.*\(BAD_RANGE\)$/],
    ['a day before all', ['gold', 'backfill', '1900-01-01', '1900-01-02'], /begin with 1970.*\(BAD_DAY\)$/],
    ['a range of no days', ['gold', 'backfill', '2026-01-01', '2026-02-30'], /"2026-02-30".*\(BAD_DAY\)$/],
    ['half a range', ['gold', 'backfill', '2026-01-01'], /missing required argument 'to'/],
    ['too many days at once', ['gold', 'backfill', DAY, DAY, '--parallel', '99'], /1 to 32.*\(BAD_RANGE\)$/],
    ['no day at once', ['gold', 'backfill', DAY, DAY, '--parallel', '0'], /whole number above 0/],
    ['a bad range to plan', ['gold', 'backfill', '2026-01-02', DAY, '--dry-run'], /\(BAD_RANGE\)$/],
    ['an unknown reason', ['gold', 'backfill', DAY, DAY, '--stale=weather'], /expected users or code/],
    ['two commands in one', ['gold', 'backfill', DAY, DAY, '--pause', '--all'], /cannot be used with/],
    ['a bad range to steer', ['gold', 'backfill', 'hello', DAY, '--cancel'], /"hello".*\(BAD_DAY\)$/],
    ['a bad range to show', ['gold', 'status', '2026-01-02', DAY], /\(BAD_RANGE\)$/],
    ['days to come to show', ['gold', 'status', DAY, '2999-01-01'], /\(BAD_RANGE\)$/],
    [
      'a time that is none',
      ['schedule', 'apply', '--at', '25:00'],
      /"25:00"; expected HH:MM \(BAD_SCHEDULE\)$/,
    ],
    ['an unknown option', ['gold', 'run', '--bogus'], /unknown option '--bogus'/],
    ['an unknown command', ['bogus'], /unknown command 'bogus'/],
    ['an unknown command below a verb', ['gold', 'rum'], /unknown command 'rum'.*Did you mean run/],
    [
      'a service there is not',
      ['up', '--only', 'oracle'],
      /there is no oracle; there are kafka, .*\(NO_SERVICE\)$/,
    ],
    ['a word for a port', ['up', '--ports', 'many'], /from 1024 to \d+ \(BAD_PORTS\)$/],
    ['a port that leaves no room', ['up', '--ports', '65530'], /not 65530 \(BAD_PORTS\)$/],
  ];
  for (const [name, args, says] of words) {
    it(`gets one line: ${name}`, async () => assertOneLine(await against(NOWHERE, ...args), says));
  }

  const silent: [command: string[], says: RegExp][] = [
    [['gold', 'show', '2026-01-01'], /no answer from ClickHouse.*\(CLICKHOUSE_UNREACHABLE\)$/],
    [['gold', 'run', '2026-01-01'], /Temporal at 127\.0\.0\.1:1: no answer.*\(TEMPORAL_UNREACHABLE\)$/],
    [['gold', 'status', DAY, DAY], /no answer from ClickHouse.*\(CLICKHOUSE_UNREACHABLE\)$/],
    [['gold', 'backfill', DAY, DAY], /no answer \(.*\(TEMPORAL_UNREACHABLE\)$/],
    [['schedule', 'show'], /no answer \(.*\(TEMPORAL_UNREACHABLE\)$/],
    [['migrate'], /no answer from PostgreSQL.*\(POSTGRES_UNREACHABLE\)$/],
    [['connectors', 'apply'], /no answer from Kafka.*\(KAFKA_UNREACHABLE\)$/],
  ];
  for (const [args, says] of silent) {
    it(`gets one line where nothing answers: ${args.join(' ')}`, async () =>
      assertOneLine(await against(NOWHERE, ...args), says));
  }

  it('gets one line for hosts that do not exist', async () => {
    const url = 'http://no-such-host.invalid:8123';
    const elsewhere = {
      ...NOWHERE,
      postgres: { ...NOWHERE.postgres, host: 'no-such-host.invalid' },
      clickhouse: { ...NOWHERE.clickhouse, url },
    };
    assertOneLine(await against(elsewhere, 'gold', 'show', '2026-01-01'), /\(CLICKHOUSE_UNREACHABLE\)$/);
    assertOneLine(await against(elsewhere, 'migrate'), /\(POSTGRES_UNREACHABLE\)$/);
  });

  it('gets one line where no stack is up', async () => {
    for (const args of [['gold', 'show', '2026-01-01'], ['gold', 'run', '2026-01-01'], ['migrate']]) {
      const ran = await tidemark(['--data-dir', join(folder, 'empty'), ...args]);
      assertOneLine(ran, /no stack is set up there\. Start one with: tidemark up \(NO_STACK\)$/);
    }
  });

  it('gets one line for a configuration that is none', async () => {
    assertOneLine(await against('{', 'migrate'), /config\.json: not JSON \(BAD_CONFIG\)$/);
    const rest = { ...NOWHERE, clickhouse: undefined };
    assertOneLine(await against(rest, 'migrate'), /config\.json: clickhouse: .*\(BAD_CONFIG\)$/);
    const unreadable = await tidemark(['migrate'], { TIDEMARK_CONFIG: folder });
    assertOneLine(unreadable, /EISDIR \(BAD_CONFIG\)$/);
  });

  describe('with a wrong password', () => {
    const stack = useStack(['postgres', 'clickhouse']);

    it('gets one line from ClickHouse', async () => {
      const { config } = stack();
      const wrong = { ...config, clickhouse: { ...config.clickhouse, password: 'wrong' } };
      assertOneLine(
        await against(wrong, 'gold', 'show', '2026-01-01'),
        /ClickHouse refused .*password.*\(CLICKHOUSE_REFUSED\)$/,
      );
    });

    it('gets one line from PostgreSQL', async () => {
      const { config } = stack();
      const wrong = { ...config, postgres: { ...config.postgres, password: 'wrong' } };
      assertOneLine(await against(wrong, 'migrate'), /PostgreSQL refused .*password.*\(POSTGRES_REFUSED\)$/);
    });
  });
});

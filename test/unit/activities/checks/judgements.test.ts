import assert from 'node:assert/strict';
import { judgeAirflow, type AirflowFacts } from '../../../../src/activities/checks/airflow-dag.js';
import { judgeTables, type TablesFacts } from '../../../../src/activities/checks/clickhouse-tables.js';
import { exceptionsOf, judgeConnectors } from '../../../../src/activities/checks/connectors.js';
import { judgeGold } from '../../../../src/activities/checks/gold.js';
import { judgeConsumers, type ConsumerFacts } from '../../../../src/activities/checks/kafka-consumers.js';
import { judgeQuorum } from '../../../../src/activities/checks/kafka-quorum.js';
import { judgeTopics, type FoundTopic } from '../../../../src/activities/checks/kafka-topics.js';
import { judgeReplicaSet, type ReplicaSetFacts } from '../../../../src/activities/checks/replica-set.js';
import { judgeSlot, type SlotFacts } from '../../../../src/activities/checks/replication-slot.js';
import { judgeSchedule, type ScheduleFacts } from '../../../../src/activities/checks/temporal-schedule.js';
import { judgeWorkers } from '../../../../src/activities/checks/workers.js';
import type { GoldDayState } from '../../../../src/core/gold-days.js';
import type { Finding } from '../../../../src/core/verification.js';
import type { QueueProbe } from '../../../../src/messages.js';
import type { Quorum } from '../../../../src/stream/describe-quorum.js';

/** A case, what is found, the verdict, and what it says. */
type Row = readonly [what: string, finding: Finding, verdict: Finding['verdict'], says: RegExp];

function judges(check: string, rows: readonly Row[]): void {
  describe(`check ${check}`, () => {
    for (const [what, finding, verdict, says] of rows) {
      it(`${what}: ${verdict}`, () => {
        assert.equal(finding.verdict, verdict, finding.summary);
        assert.match(finding.summary, says);
        assert.doesNotMatch(finding.summary, /\n/);
        assert.equal(
          finding.next !== undefined,
          verdict !== 'Passed',
          'says what to do when there is something',
        );
        assert.deepEqual(JSON.parse(JSON.stringify(finding)), finding, 'is plain JSON');
      });
    }
  });
}

const NOW = 1_700_000_000_000;
const replica = (id: number, behindMs = 0) => ({
  id,
  logEndOffset: 100,
  lastFetchMs: NOW,
  lastCaughtUpMs: NOW - behindMs,
});
const quorum: Quorum = {
  errorCode: 0,
  leader: 1,
  leaderEpoch: 3,
  highWatermark: 100,
  voters: [replica(1), replica(2, 400), replica(3, 9_000)],
  observers: [],
};
judges('kafka-quorum', [
  ['all follow', judgeQuorum(quorum), 'Passed', /controller 1 leads 3 of 3/],
  ['no leader', judgeQuorum({ ...quorum, leader: -1 }), 'Failed', /has no leader/],
  [
    'a voter that stays behind',
    judgeQuorum({ ...quorum, voters: [replica(1), replica(2, 60_000)] }),
    'Failed',
    /1 of 2 controllers do not follow the leader: 2/,
  ],
  [
    'a broker that left a moment ago',
    judgeQuorum({ ...quorum, observers: [replica(9, 60_000)] }),
    'Passed',
    /leads/,
  ],
]);

const expectedTopics = [
  { topic: 'a', config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' } },
  { topic: 'b', config: {} },
  { topic: 'later', config: { 'cleanup.policy': 'compact' }, optional: true },
];
const topic = (change: Partial<FoundTopic> = {}): FoundTopic => ({
  partitions: 3,
  withoutLeader: [],
  underReplicated: [],
  config: { 'cleanup.policy': 'delete', 'retention.ms': '-1' },
  ...change,
});
const topics = (change: Record<string, FoundTopic>) =>
  judgeTopics(expectedTopics, new Map(Object.entries({ a: topic(), b: topic(), ...change })));
judges('kafka-topics', [
  ['as they should be', topics({}), 'Passed', /2 topics/],
  ['a missing one', judgeTopics(expectedTopics, new Map([['a', topic()]])), 'Failed', /^topic b is missing$/],
  [
    'another policy',
    topics({ a: topic({ config: { 'cleanup.policy': 'compact,delete', 'retention.ms': '-1' } }) }),
    'Failed',
    /cleanup\.policy=compact,delete instead of delete/,
  ],
  [
    'another retention',
    topics({ a: topic({ config: { 'cleanup.policy': 'delete', 'retention.ms': '604800000' } }) }),
    'Failed',
    /retention\.ms=604800000 instead of -1/,
  ],
  [
    'a setting of no concern',
    topics({ b: topic({ config: { 'cleanup.policy': 'compact' } }) }),
    'Passed',
    /./,
  ],
  [
    'a partition without leader',
    topics({ b: topic({ withoutLeader: [1, 2] }) }),
    'Failed',
    /partition 1, 2 has no leader/,
  ],
  [
    'a replica behind',
    topics({ b: topic({ underReplicated: [0] }) }),
    'Failed',
    /partition 0 is not fully replicated/,
  ],
  ['an optional one, wrong', topics({ later: topic() }), 'Failed', /topic later has cleanup\.policy=delete/],
]);

const running = { connector: { state: 'RUNNING' }, tasks: [{ id: 0, state: 'RUNNING' }] };
const TRACE = [
  'org.apache.kafka.connect.errors.ConnectException: Error while processing event: secret',
  '\tat io.debezium.pipeline.ErrorHandler.setProducerThrowable(ErrorHandler.java:67)',
  'Caused by: io.debezium.DebeziumException: row (7, secret)',
  '\t... 7 more',
  'Caused by: org.postgresql.util.PSQLException: ERROR: secret',
].join('\n');
const failing = { connector: { state: 'RUNNING' }, tasks: [{ id: 0, state: 'FAILED', trace: TRACE }] };
judges('connectors', [
  [
    'both run',
    judgeConnectors([
      ['p', running],
      ['m', running],
    ]),
    'Passed',
    /2 connectors/,
  ],
  [
    'a failed task under a running connector',
    judgeConnectors([
      ['p', failing],
      ['m', running],
    ]),
    'Failed',
    /^connector p says RUNNING, task 0 is FAILED \(ConnectException <- DebeziumException <- PSQLException\)$/,
  ],
  ['none of that name', judgeConnectors([['p', undefined]]), 'Failed', /connector p does not exist/],
  [
    'paused',
    judgeConnectors([['p', { connector: { state: 'PAUSED' }, tasks: [{ id: 0, state: 'PAUSED' }] }]]),
    'Failed',
    /says PAUSED, task 0 is PAUSED/,
  ],
  [
    'not started after a rebalance',
    judgeConnectors([['p', { connector: { state: 'RUNNING' }, tasks: [{ id: 0, state: 'UNASSIGNED' }] }]]),
    'Failed',
    /says RUNNING, task 0 is UNASSIGNED/,
  ],
  ['stopped', judgeConnectors([['p', { connector: { state: 'STOPPED' }, tasks: [] }]]), 'Failed', /STOPPED/],
  ['without a task', judgeConnectors([['p', { ...running, tasks: [] }]]), 'Failed', /has no task/],
]);
it('of a task that nobody has started, where to look', () => {
  const { next = '' } = judgeConnectors([
    ['p', { connector: { state: 'RUNNING' }, tasks: [{ id: 0, state: 'UNASSIGNED' }] }],
  ]);
  assert.match(next, /find-hanging/);
});
it('of a trace only the names of its exceptions get out', () => {
  assert.doesNotMatch(JSON.stringify(judgeConnectors([['p', failing]])), /secret/);
  assert.deepEqual(exceptionsOf(undefined), []);
});

const slot = {
  plugin: 'pgoutput',
  database: 'commerce',
  active: true,
  walStatus: 'reserved',
  confirmedLsn: '1000',
  invalidationReason: null,
};
const slotFacts = (change: Partial<typeof slot> = {}, more: Partial<SlotFacts> = {}) =>
  judgeSlot(
    { slot: { ...slot, ...change }, currentLsn: '1500', connectorLsn: '1000', ...more },
    'commerce',
    600,
  );
judges('replication-slot', [
  ['read and close', slotFacts(), 'Passed', /500 bytes behind/],
  [
    'dropped',
    judgeSlot({ slot: null, currentLsn: '1', connectorLsn: '1' }, 'commerce'),
    'Failed',
    /does not exist/,
  ],
  ['read by nobody', slotFacts({ active: false }), 'Failed', /is read by nobody/],
  ['far behind', slotFacts({}, { currentLsn: '1601' }), 'Failed', /601 bytes behind \(limit 600\)/],
  ['of an unknown lag', slotFacts({ confirmedLsn: null as never }), 'Failed', /unknown number/],
  ['lost its WAL', slotFacts({ walStatus: 'lost' }), 'Failed', /its WAL is lost/],
  ['invalidated', slotFacts({ invalidationReason: 'idle_timeout' as never }), 'Failed', /idle_timeout/],
  [
    'made anew past the connector',
    slotFacts({ confirmedLsn: '1001' }),
    'Failed',
    /made anew, and changes between are lost/,
  ],
  ['of a connector that begins', slotFacts({}, { connectorLsn: null }), 'Passed', /./],
  ['of another database', slotFacts({ database: 'other' }), 'Failed', /database other/],
]);

const set: ReplicaSetFacts = {
  setName: 'rs0',
  primary: 'a:1',
  members: [
    { name: 'a:1', state: 'PRIMARY' },
    { name: 'b:1', state: 'SECONDARY' },
  ],
  preImages: true,
};
judges('replica-set', [
  ['whole', judgeReplicaSet(set), 'Passed', /2 of 2 members well/],
  [
    'of a server that does not tell its members',
    judgeReplicaSet({ ...set, members: null }),
    'Passed',
    /primary a:1$/,
  ],
  ['none', judgeReplicaSet({ ...set, setName: null }), 'Failed', /no replica set/],
  ['without a primary', judgeReplicaSet({ ...set, primary: null }), 'Failed', /no primary/],
  [
    'with an ill member',
    judgeReplicaSet({ ...set, members: [{ name: 'b:1', state: 'RECOVERING' }] }),
    'Failed',
    /b:1 is RECOVERING/,
  ],
  ['without pre-images', judgeReplicaSet({ ...set, preImages: false }), 'Failed', /no pre-images/],
  ['without the collection', judgeReplicaSet({ ...set, preImages: null }), 'Failed', /does not exist/],
]);

const expectedObjects = [
  { name: 't', engine: 'MergeTree' },
  { name: 'k', engine: 'Kafka' },
  { name: 'v', engine: 'MaterializedView', target: 't' },
];
const objects = [
  { name: 't', engine: 'MergeTree', target: '' },
  { name: 'k', engine: 'Kafka', target: '' },
  { name: 'v', engine: 'MaterializedView', target: 't' },
  { name: 'users_own', engine: 'Log', target: '' },
];
const tables = (change: Partial<TablesFacts>) =>
  judgeTables(expectedObjects, {
    objects,
    detached: [],
    readOnly: [],
    migrations: { pending: [], fault: null },
    ...change,
  });
const without = (name: string) => objects.filter((one) => one.name !== name);
judges('clickhouse-tables', [
  ['as migrated, beside a table of the user', tables({}), 'Passed', /^3 tables and views/],
  ['a missing view', tables({ objects: without('v') }), 'Failed', /^materialized view v is missing$/],
  ['a detached table', tables({ objects: without('k'), detached: ['k'] }), 'Failed', /^table k is detached$/],
  [
    'another engine',
    tables({ objects: [...without('t'), { name: 't', engine: 'Memory', target: '' }] }),
    'Failed',
    /engine Memory instead of MergeTree/,
  ],
  [
    'a view that writes elsewhere',
    tables({ objects: [...without('v'), { name: 'v', engine: 'MaterializedView', target: 'old' }] }),
    'Failed',
    /writes to old instead of t/,
  ],
  [
    'a migration to come',
    tables({ migrations: { pending: ['0009.sql'], fault: null } }),
    'Failed',
    /0009\.sql is not applied/,
  ],
  [
    'newer migrations',
    tables({ migrations: { pending: [], fault: 'a newer version' } }),
    'Failed',
    /a newer version/,
  ],
  ['a read-only replica', tables({ readOnly: ['t'] }), 'Failed', /replica of t is read-only/],
]);

const consumer: NonNullable<ConsumerFacts['consumer']> = {
  assigned: 3,
  silentSeconds: 1,
  exceptions: [],
  failing: false,
};
const consumes = (change: Partial<ConsumerFacts> = {}, more: Partial<typeof consumer> = {}) =>
  judgeConsumers(
    [{ table: 'k', topic: 'a', partitions: 3, consumer: { ...consumer, ...more }, lag: '10', ...change }],
    [],
    100,
  );
judges('kafka-consumers', [
  ['keeps up', consumes(), 'Passed', /1 tables read their topics, 10 messages behind/],
  ['does not consume', consumes({ consumer: null }), 'Failed', /does not consume a/],
  ['reads too few partitions', consumes({}, { assigned: 2 }), 'Failed', /reads 2 of 3 partitions/],
  ['has fallen silent', consumes({}, { silentSeconds: 61 }), 'Failed', /not polled a for 61 s/],
  [
    'fails',
    consumes({}, { failing: true, exceptions: ['code 27'] }),
    'Failed',
    /fails to consume a: code 27/,
  ],
  ['had failed', consumes({}, { exceptions: ['code 27'] }), 'Passed', /./],
  ['is far behind', consumes({ lag: '101' }), 'Failed', /101 messages of a behind \(limit 100\)/],
  ['of an unknown lag', consumes({ lag: null }), 'Failed', /cannot be told/],
  ['of a topic that is gone', consumes({ partitions: null, lag: null }), 'Failed', /topic a does not exist/],
  [
    'new bad messages',
    judgeConsumers([], [{ topic: 'a', reason: 'not JSON', messages: '2', last: '0:7' }]),
    'Failed',
    /2 new bad messages of a in bronze_errors \(not JSON; the last at 0:7\)/,
  ],
]);

const schedule: ScheduleFacts = { paused: false, note: '', nextAtMs: [NOW], missedRuns: 0 };
judges('temporal-schedule', [
  ['set', judgeSchedule(schedule, false), 'Passed', /gold runs next at 2023-11-14T22:13Z/],
  ['none', judgeSchedule(null, false), 'Failed', /does not exist/],
  ['paused', judgeSchedule({ ...schedule, paused: true, note: 'why' }, false), 'Failed', /paused \(why\)/],
  ['without a next time', judgeSchedule({ ...schedule, nextAtMs: [] }, false), 'Failed', /no next time/],
  ['none, by Airflow', judgeSchedule(null, true), 'Passed', /by Airflow/],
  ['paused, by Airflow', judgeSchedule({ ...schedule, paused: true }, true), 'Passed', /by Airflow/],
]);

const probe = (taskQueue: string, codeVersion: string | null = 'v1'): QueueProbe => ({
  taskQueue,
  answeredBy: codeVersion === null ? null : { pid: 1, host: 'h', codeVersion },
});
judges('workers', [
  ['both answer', judgeWorkers([probe('c'), probe('s')], []), 'Passed', /workers of c, s answer/],
  ['one is silent', judgeWorkers([probe('c'), probe('s', null)], []), 'Failed', /no worker answers on s$/],
  ['one is busy', judgeWorkers([probe('c'), probe('s', null)], ['s']), 'Passed', /./],
  ['two versions', judgeWorkers([probe('c'), probe('s', 'v2')], []), 'Failed', /different versions: v1, v2/],
  ['nobody asked', judgeWorkers([], []), 'Inconclusive', /no task queue/],
]);

const airflow: AirflowFacts = {
  dag: { paused: false, importErrors: false },
  health: { scheduler: 'healthy', triggerer: 'healthy', dag_processor: 'healthy', metadatabase: 'healthy' },
};
judges('airflow-dag', [
  ['active', judgeAirflow(airflow), 'Passed', /is active/],
  ['not there', judgeAirflow({ ...airflow, dag: null }), 'Failed', /is not there/],
  ['paused', judgeAirflow({ ...airflow, dag: { paused: true, importErrors: false } }), 'Failed', /is paused/],
  [
    'broken',
    judgeAirflow({ ...airflow, dag: { paused: false, importErrors: true } }),
    'Failed',
    /does not load/,
  ],
  [
    'without a triggerer',
    judgeAirflow({ ...airflow, health: { ...airflow.health, triggerer: null } }),
    'Failed',
    /triggerer: not seen/,
  ],
]);

const day = (name: string, state: GoldDayState['state'], errorCode = ''): GoldDayState =>
  ({ day: name, state, errorCode }) as GoldDayState;
judges('gold', [
  [
    'computed and not',
    judgeGold(
      [day('2024-01-01', 'missing'), day('2024-01-02', 'complete'), day('2024-01-03', 'stale')],
      ['x'],
    ),
    'Passed',
    /1 are complete, 1 stale, 1 missing/,
  ],
  [
    'failed',
    judgeGold([day('2024-01-01', 'failed', 'GATE_TIMEOUT'), day('2024-01-02', 'complete')], []),
    'Failed',
    /gold of 2024-01-01 \(GATE_TIMEOUT\) has failed/,
  ],
]);

import type { Admin } from 'kafkajs';
import { serviceFault } from '../../clients/fault.js';
import type { Finding } from '../../core/verification.js';
import { TOPICS } from '../../provision/topics.js';
import { CHECKPOINT_TOPIC } from '../../stream/checkpoint-store.js';
import { failed, passed, type Check } from './check.js';
import { withOwnAdmin } from './kafka-admin.js';

/** ConfigResourceTypes.TOPIC of kafkajs, which is the protocol's own number. */
const TOPIC_RESOURCE = 2;

export interface ExpectedTopic {
  readonly topic: string;
  /** What the pipeline relies on; other settings are whoever runs Kafka's to choose. */
  readonly config: Readonly<Record<string, string>>;
  /** True: made when it is first needed. */
  readonly optional?: boolean;
}

export interface FoundTopic {
  readonly partitions: number;
  readonly withoutLeader: readonly number[];
  readonly underReplicated: readonly number[];
  readonly config: Readonly<Record<string, string>>;
}

const EXPECTED: readonly ExpectedTopic[] = [
  ...TOPICS,
  // A checkpoint that retention deletes, or that is never compacted, is a job that forgets or never gets up again.
  { topic: CHECKPOINT_TOPIC, config: { 'cleanup.policy': 'compact' }, optional: true },
];

/** The pipeline's topics exist, keep their records as it relies on, and every partition is led and replicated. */
export const kafkaTopics: Check = {
  name: 'kafka-topics',
  hop: 'kafka',
  stage: 'hops',
  run: async (deps) => {
    try {
      return judgeTopics(EXPECTED, await withOwnAdmin(deps, read));
    } catch (cause) {
      throw serviceFault('kafka', 'reading the topics', cause);
    }
  },
};

export function judgeTopics(
  expected: readonly ExpectedTopic[],
  found: ReadonlyMap<string, FoundTopic>,
): Finding {
  const faults = expected.flatMap((one) => faultsOf(one, found.get(one.topic)));
  const evidence = {
    faults,
    topics: Object.fromEntries(
      [...found].map(([topic, { partitions, config }]) => [topic, { partitions, config: { ...config } }]),
    ),
  };
  if (faults.length === 0) return passed(`${found.size} topics are as they should be`, evidence);
  return failed(faults.join('; '), evidence, NEXT);
}

const NEXT =
  'make missing topics (tidemark up, or your operator of Kafka) and give the others their configuration: kafka-configs --alter --entity-type topics';

function faultsOf({ topic, config, optional }: ExpectedTopic, found: FoundTopic | undefined): string[] {
  if (found === undefined) return optional ? [] : [`topic ${topic} is missing`];
  const wrong = Object.entries(config)
    .filter(([name, value]) => found.config[name] !== value)
    .map(([name, value]) => `topic ${topic} has ${name}=${found.config[name]} instead of ${value}`);
  const partitions = (what: string, which: readonly number[]): string[] =>
    which.length === 0 ? [] : [`topic ${topic}: partition ${which.join(', ')} ${what}`];
  return [
    ...wrong,
    ...partitions('has no leader', found.withoutLeader),
    ...partitions('is not fully replicated', found.underReplicated),
  ];
}

async function read(admin: Admin): Promise<Map<string, FoundTopic>> {
  const existing = new Set(await admin.listTopics());
  const present = EXPECTED.filter(({ topic }) => existing.has(topic));
  if (present.length === 0) return new Map();
  const [metadata, configs] = await Promise.all([
    admin.fetchTopicMetadata({ topics: present.map(({ topic }) => topic) }),
    admin.describeConfigs({
      includeSynonyms: false,
      resources: present.map(({ topic, config }) => ({
        type: TOPIC_RESOURCE,
        name: topic,
        configNames: [...new Set(['cleanup.policy', 'retention.ms', ...Object.keys(config)])],
      })),
    }),
  ]);
  return new Map(
    metadata.topics.map(({ name, partitions }) => [
      name,
      {
        partitions: partitions.length,
        withoutLeader: partitions.filter(({ leader }) => leader < 0).map(({ partitionId }) => partitionId),
        underReplicated: partitions
          .filter(({ isr, replicas }) => isr.length < replicas.length)
          .map(({ partitionId }) => partitionId),
        config: Object.fromEntries(
          (configs.resources.find(({ resourceName }) => resourceName === name)?.configEntries ?? []).map(
            ({ configName, configValue }) => [configName, configValue],
          ),
        ),
      },
    ]),
  );
}

import type { Admin } from 'kafkajs';
import { targetLimits, type TargetLimits } from '../core/replay-target.js';

export type TopicAdmin = Pick<
  Admin,
  'listTopics' | 'createTopics' | 'describeConfigs' | 'fetchTopicMetadata'
>;

/** ConfigResourceTypes.TOPIC of kafkajs, which is the protocol's own number. */
const TOPIC_RESOURCE = 2;

/** Settings of a topic as they are in effect. */
export async function readLimits(admin: TopicAdmin, topic: string): Promise<TargetLimits> {
  const [{ resources }, { topics }] = await Promise.all([
    admin.describeConfigs({
      includeSynonyms: false,
      resources: [{ type: TOPIC_RESOURCE, name: topic }],
    }),
    admin.fetchTopicMetadata({ topics: [topic] }),
  ]);
  const entries = resources[0]?.configEntries ?? [];
  const config = Object.fromEntries(entries.map(({ configName, configValue }) => [configName, configValue]));
  const replicas = topics[0]?.partitions.map((partition) => partition.replicas.length) ?? [];
  return targetLimits(config, Math.min(...replicas));
}

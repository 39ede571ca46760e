import { airflowDag } from './airflow-dag.js';
import { canary } from './canary.js';
import type { Check } from './check.js';
import { clickhouseTables } from './clickhouse-tables.js';
import { connectors } from './connectors.js';
import { eventsContent } from './events-content.js';
import { gold } from './gold.js';
import { kafkaConsumers } from './kafka-consumers.js';
import { kafkaQuorum } from './kafka-quorum.js';
import { kafkaTopics } from './kafka-topics.js';
import { publication } from './publication.js';
import { replicaSet } from './replica-set.js';
import { replicationSlot } from './replication-slot.js';
import { temporalSchedule } from './temporal-schedule.js';
import { usersContent } from './users-content.js';
import { workers } from './workers.js';

/** Every check, in the order in which they are shown. A check is one file beside this one, and a line here. */
export const CHECKS: readonly Check[] = [
  kafkaQuorum,
  kafkaTopics,
  publication,
  replicationSlot,
  replicaSet,
  connectors,
  clickhouseTables,
  kafkaConsumers,
  workers,
  temporalSchedule,
  airflowDag,
  gold,
  canary,
  usersContent,
  eventsContent,
];

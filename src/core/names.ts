/** The fixed names of the pipeline (PRODUCT.md "Names that are fixed"), each in this one place. */

export const USERS_TOPIC = 'postgres.public.users';
export const EVENTS_TOPIC = 'mongo.commerce.events';
/** Partitions of the two CDC topics when Tidemark creates them. */
export const CDC_PARTITIONS = 3;

export const POSTGRES_CONNECTOR = 'tidemark-postgres';
export const MONGO_CONNECTOR = 'tidemark-mongo';
export const USERS_SLOT = 'tidemark_users';
export const PUBLICATION = 'tidemark';
/** Kafka header that carries the epoch of the replication slot (see sql/clickhouse, `version`). */
export const EPOCH_HEADER = 'tidemark.epoch';

export const EVENTS_COLLECTION = 'events';

/** Frames to count unique users of, and the results. What is not counted goes to `<frames>.quarantine`. */
export const FRAMES_TOPIC = 'frames';
export const UNIQUE_USERS_TOPIC = 'unique-users';
export const quarantineTopic = (source: string): string => `${source}.quarantine`;
/** What each count counts, whatever its topics are. */
export const COUNT_JOBS_TOPIC = 'unique-users.jobs';
/** The sketches behind the results of a topic. */
export const sketchesTopic = (target: string): string => `${target}.sketches`;

/** Logins as they come; cleaned, in dead letters and counted they go to topics named after it. */
export const LOGINS_TOPIC = 'user-login';
export const cleanTopic = (source: string): string => `${source}.clean`;
export const deadLetterTopic = (source: string): string => `${source}.dlq`;
export const insightsTopic = (source: string): string => `${source}.insights`;

/** Consumer groups of the Kafka-engine tables are `<prefix>.<table>`. */
export const KAFKA_GROUP_PREFIX = 'tidemark';
export const USERS_GROUP = `${KAFKA_GROUP_PREFIX}.kafka_users`;
export const EVENTS_GROUP = `${KAFKA_GROUP_PREFIX}.kafka_events`;

/** The cleaning job, unless it is given another name. */
export const LOGINS_JOB = 'logins';

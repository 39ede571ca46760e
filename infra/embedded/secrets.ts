import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from './atomic-file.js';

/** Characters that need no escaping in a JAAS file, an XML file, a URI or a shell. */
const password = (): string => randomBytes(24).toString('base64url');

/** Kafka's cluster id is a UUID in base64url; a leading dash would look like an option to the formatter. */
const clusterId = (): string => `T${randomBytes(16).toString('base64url').slice(1)}`;

const SecretsSchema = z.object({
  /** Names this data directory for good, wherever it is moved. */
  instance: z.string(),
  kafkaClusterId: z.string(),
  kafka: z.string(),
  connect: z.string(),
  postgres: z.string(),
  replication: z.string(),
  mongo: z.string(),
  clickhouse: z.string(),
  clickhouseReader: z.string(),
  airflow: z.string(),
  http: z.string(),
});
export type Secrets = z.infer<typeof SecretsSchema>;

/** Reads the data directory's generated passwords; writes them (mode 0600) the first time, or one that it lacks yet. */
export function loadSecrets(dataDir: string): Secrets {
  const file = join(dataDir, 'secrets.json');
  const kept = existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Partial<Secrets>) : {};
  const secrets = SecretsSchema.parse({ ...generated(), ...kept });
  if (Object.keys(secrets).some((name) => !(name in kept))) {
    mkdirSync(dataDir, { recursive: true });
    writeAtomically(file, `${JSON.stringify(secrets, null, 2)}\n`);
  }
  return secrets;
}

const generated = (): Secrets => ({
  instance: randomBytes(8).toString('hex'),
  kafkaClusterId: clusterId(),
  kafka: password(),
  connect: password(),
  postgres: password(),
  replication: password(),
  mongo: password(),
  clickhouse: password(),
  clickhouseReader: password(),
  airflow: password(),
  http: password(),
});

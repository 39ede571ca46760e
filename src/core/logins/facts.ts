import { jsonRecord, readJson, type StateRecord } from '../uniques-state.js';
import { versionText } from './judge.js';
import type { DeviceType, LoginFields } from './rules.js';
import type { PartitionTally } from './tally.js';
import type { PartitionClock } from '../watermark.js';

/** What the merge stage needs of a clean login. */
export interface LoginFact {
  readonly atMs: number;
  readonly userId: string;
  readonly deviceId: string;
  readonly deviceType: DeviceType;
  readonly appVersion: string;
  readonly locale: string;
}

type StoredFact = readonly [number, string, string, DeviceType, string, string];

export const FACTS_KEY = 'facts';
export const PARTITION_PREFIX = 'partition/';

export const factOf = (login: LoginFields): LoginFact => ({
  atMs: login.timestamp,
  userId: login.user_id,
  deviceId: login.device_id,
  deviceType: login.device_type,
  appVersion: versionText(login.app_version),
  locale: login.locale,
});

/** One record for some facts: each login once, in the transaction of its clean record. */
export const encodeFacts = (facts: readonly LoginFact[]): StateRecord =>
  jsonRecord(FACTS_KEY, {
    facts: facts.map(({ atMs, userId, deviceId, deviceType, appVersion, locale }): StoredFact => {
      return [atMs, userId, deviceId, deviceType, appVersion, locale];
    }),
  });

/** @throws PipelineError `BAD_STATE` */
export const decodeFacts = (value: Uint8Array): LoginFact[] =>
  readJson<{ facts: StoredFact[] }>(value).facts.map(
    ([atMs, userId, deviceId, deviceType, appVersion, locale]) => ({
      atMs,
      userId,
      deviceId,
      deviceType,
      appVersion,
      locale,
    }),
  );

/** How far a source partition is; written behind the facts that it vouches for. */
export interface PartitionReport {
  readonly tally: PartitionTally;
  readonly timeS: number | null;
  readonly reading: PartitionClock['reading'];
}

export const encodeReport = (report: PartitionReport): StateRecord =>
  jsonRecord(`${PARTITION_PREFIX}${report.tally.partition}`, report);

/** @throws PipelineError `BAD_STATE` */
export const decodeReport = (value: Uint8Array): PartitionReport => readJson<PartitionReport>(value);

import { PipelineError } from '../errors.js';
import { compileFilter } from '../filter.js';
import { jobNameFaults, rangeFaults } from '../sliced-job.js';
import { DEFAULT_TIME_RULES } from '../watermark.js';
import type { InsightRules } from './merge.js';

/** The part of a job's input that says what is late, filtered and suspicious; absent means the default. */
export interface CleanChoices {
  /** How far behind its partition's time a login may be, whole seconds; default 3,600. */
  readonly latenessS?: number;
  /** CEL over the clean record as `value`: what it does not select is filtered. */
  readonly filter?: string;
  /** Whole seconds of a window of counts (60), and of alerts (600). */
  readonly windowS?: number;
  readonly alertWindowS?: number;
  /** Thresholds of alerts: users on a device (5), devices of a user (5), logins of a user (20). */
  readonly sharedDeviceUsers?: number;
  readonly hoppingDevices?: number;
  readonly burstLogins?: number;
  /** `n.n.n`: an app version above it is impossible. */
  readonly newestVersion?: string;
  /** Users, and devices, that alerts follow at most (200,000). */
  readonly entries?: number;
}

export const CLEAN_DEFAULTS = {
  latenessS: DEFAULT_TIME_RULES.latenessS,
  windowS: 60,
  alertWindowS: 600,
  sharedDeviceUsers: 5,
  hoppingDevices: 5,
  burstLogins: 20,
  entries: 200_000,
} as const satisfies CleanChoices;

export const latenessMs = ({ latenessS = CLEAN_DEFAULTS.latenessS }: CleanChoices): number =>
  1_000 * latenessS;

/** The rules of a job's insights, defaults filled in. */
export function insightRules(choices: CleanChoices): InsightRules {
  const { newestVersion } = choices;
  const all = { ...CLEAN_DEFAULTS, ...choices };
  return {
    windowMs: 1_000 * all.windowS,
    latenessMs: latenessMs(choices),
    alerts: {
      windowMs: 1_000 * all.alertWindowS,
      sharedDeviceUsers: all.sharedDeviceUsers,
      hoppingDevices: all.hoppingDevices,
      burstLogins: all.burstLogins,
      entries: all.entries,
      ...(newestVersion !== undefined && { newestVersion }),
    },
  };
}

export interface AskedClean extends CleanChoices {
  readonly job: string;
  readonly source: string;
  readonly clean: string;
  readonly dlq: string;
  readonly insights: string;
  readonly from?: 'beginning' | 'end' | number;
  readonly to?: number;
  readonly slices?: number;
}

/** What is wrong with an input whatever the topics hold, all at once. @throws PipelineError `BAD_CLEAN`. */
export function checkClean(asked: AskedClean): void {
  const faults: string[] = [];
  const whole = (name: string, value: number, from: number): void => {
    if (!Number.isSafeInteger(value) || value < from)
      faults.push(`${name} must be a whole number from ${from}`);
  };
  const all = { ...CLEAN_DEFAULTS, ...asked };
  faults.push(...jobNameFaults(asked.job), ...rangeFaults(asked));
  const topics = [asked.source, asked.clean, asked.dlq, asked.insights];
  if (new Set(topics).size !== topics.length)
    faults.push('source, clean, dead letters and insights need four topics');
  whole('the lateness', all.latenessS, 0);
  whole('the window', all.windowS, 1);
  whole('the window of alerts', all.alertWindowS, 1);
  whole('the users of a shared device', all.sharedDeviceUsers, 2);
  whole('the devices of a hopping user', all.hoppingDevices, 2);
  whole('the logins of a burst', all.burstLogins, 2);
  whole('the entries', all.entries, 1);
  whole('the number of slices', asked.slices ?? 1, 1);
  if (asked.newestVersion !== undefined && !/^\d{1,9}\.\d{1,9}\.\d{1,9}$/.test(asked.newestVersion)) {
    faults.push('the newest version must be n.n.n');
  }
  faults.push(...filterFaults(asked.filter));
  if (faults.length === 0) return;
  throw new PipelineError('BAD_CLEAN', `reading what cleaning ${asked.job} is to do: ${faults.join('; ')}`);
}

function filterFaults(filter: string | undefined): string[] {
  if (filter === undefined) return [];
  try {
    compileFilter({ filter });
    return [];
  } catch (error) {
    if (error instanceof PipelineError) return [error.message];
    throw error;
  }
}

import type { Command } from 'commander';
import { MOST_CONFIRM_FRAMES, type CountChoices } from '../core/count-plan.js';
import { DEFAULT_PRECISION, MAX_PRECISION, MIN_PRECISION } from '../core/hyperloglog.js';
import { DEFAULT_TIME_RULES } from '../core/watermark.js';
import { wholeNumber } from './numbers.js';

/** What a count's rules are made of, for counts of files and of topics alike. */
export interface CountRuleFlags {
  readonly idField: string[];
  readonly tsField: string;
  readonly strict?: true;
  readonly precision: number;
  readonly lateness: number;
  readonly confirmFrames: number;
}

export const withCountRules = (command: Command): Command =>
  command
    .option(
      '--id-field <name>',
      'top-level member whose distinct values are counted; may be repeated',
      collect,
      [],
    )
    .option('--ts-field <name>', 'top-level member with the unix time in seconds', 'ts')
    .option('--strict', 'read every frame to its end and validate it')
    .option(
      '--precision <p>',
      `2^p registers once a window has more than 2^(p-3) users, ${MIN_PRECISION} to ${MAX_PRECISION}`,
      wholeNumber(MIN_PRECISION, MAX_PRECISION),
      DEFAULT_PRECISION,
    )
    .option(
      '--lateness <seconds>',
      'how late a frame may be and still be counted',
      wholeNumber(0),
      DEFAULT_TIME_RULES.latenessS,
    )
    .option(
      '--confirm-frames <n>',
      'how many frames that agree start time, or move it over a gap; fewer for sparse data',
      wholeNumber(1, MOST_CONFIRM_FRAMES),
      DEFAULT_TIME_RULES.confirmFrames,
    );

/** The choices that the flags make. */
export const choicesOf = (flags: CountRuleFlags): Required<CountChoices> => ({
  tsField: flags.tsField,
  idFields: flags.idField.length > 0 ? flags.idField : ['uid'],
  strict: flags.strict === true,
  precision: flags.precision,
  latenessS: flags.lateness,
  confirmFrames: flags.confirmFrames,
});

const collect = (value: string, before: string[]): string[] => [...before, value];

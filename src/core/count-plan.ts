import { PipelineError } from './errors.js';
import { MOST_ID_FIELDS } from './frame-scanner.js';
import { DEFAULT_PRECISION, MAX_PRECISION, MIN_PRECISION } from './hyperloglog.js';
import { jobNameFaults, rangeFaults } from './sliced-job.js';
import type { CountRules } from './count-rules.js';
import { DEFAULT_TIME_RULES } from './watermark.js';

/** The part of a job's input that says how to count; absent means the default. */
export interface CountChoices {
  readonly tsField?: string;
  readonly idFields?: readonly string[];
  /** Reads every frame to its end and validates it. */
  readonly strict?: boolean;
  readonly precision?: number;
  /** How late a frame may be and still be counted, whole seconds. */
  readonly latenessS?: number;
  readonly confirmFrames?: number;
}

/** The rules of a count, defaults filled in. */
export function countRules(choices: CountChoices): CountRules {
  const latenessS = choices.latenessS ?? DEFAULT_TIME_RULES.latenessS;
  return {
    format: {
      tsField: choices.tsField ?? 'ts',
      idFields: choices.idFields ?? ['uid'],
      strict: choices.strict ?? false,
    },
    precision: choices.precision ?? DEFAULT_PRECISION,
    time: {
      ...DEFAULT_TIME_RULES,
      latenessS,
      // Twice the lateness: frames in any order within it are never held. A minute at least, so that time can move at all.
      aheadS: Math.max(2 * latenessS, 60),
      confirmFrames: choices.confirmFrames ?? DEFAULT_TIME_RULES.confirmFrames,
    },
  };
}

export interface AskedCount extends CountChoices {
  readonly job: string;
  readonly source: string;
  readonly target: string;
  readonly from?: 'beginning' | 'end' | number;
  readonly to?: number;
  readonly slices?: number;
  readonly provisionalMs?: number;
}

/** Ten times as many frames are held at most, in memory and in the state. */
export const MOST_CONFIRM_FRAMES = 10_000;

/** What is wrong with how to count, all at once. `fields`: what they are called where they were chosen. */
export function choiceFaults(choices: CountChoices, fields = 'the fields'): string[] {
  const { format, time, precision } = countRules(choices);
  const names = [format.tsField, ...format.idFields];
  return [
    ...(format.idFields.length === 0 ? ['at least one field must be counted'] : []),
    ...(format.idFields.length > MOST_ID_FIELDS ? [`at most ${MOST_ID_FIELDS} fields can be counted`] : []),
    ...(new Set(names).size !== names.length ? [`${fields} must all differ`] : []),
    ...wholeFaults('the precision', precision, MIN_PRECISION, MAX_PRECISION),
    ...wholeFaults('the lateness', time.latenessS, 0),
    ...wholeFaults('the number of confirming frames', time.confirmFrames, 1, MOST_CONFIRM_FRAMES),
  ];
}

/** What is wrong with an input whatever the topics hold, all at once. @throws PipelineError `BAD_COUNT`. */
export function checkCount(asked: AskedCount): void {
  const faults = [
    ...jobNameFaults(asked.job),
    ...rangeFaults(asked),
    ...(asked.source === asked.target ? ['frames and results need two topics'] : []),
    ...choiceFaults(asked),
    ...wholeFaults('the number of slices', asked.slices ?? 1, 1),
    ...wholeFaults('the pause between provisional results', asked.provisionalMs ?? 0, 0),
  ];
  if (faults.length === 0) return;
  throw new PipelineError('BAD_COUNT', `reading what count ${asked.job} is to do: ${faults.join('; ')}`);
}

function wholeFaults(name: string, value: number, from: number, to = Number.MAX_SAFE_INTEGER): string[] {
  if (Number.isInteger(value) && value >= from && value <= to) return [];
  return [
    `${name} must be a whole number ${to === Number.MAX_SAFE_INTEGER ? `from ${from}` : `of [${from}, ${to}]`}`,
  ];
}

import { DEFAULT_FRAME_FORMAT, type FrameFormat } from './frame-scanner.js';
import { DEFAULT_PRECISION } from './hyperloglog.js';
import { DEFAULT_TIME_RULES, type TimeRules } from './watermark.js';

/** What is counted and how: fixed for the life of a job, since its states depend on it. */
export interface CountRules {
  readonly format: FrameFormat;
  readonly time: TimeRules;
  readonly precision: number;
}

export const DEFAULT_COUNT_RULES: CountRules = {
  format: DEFAULT_FRAME_FORMAT,
  time: DEFAULT_TIME_RULES,
  precision: DEFAULT_PRECISION,
};

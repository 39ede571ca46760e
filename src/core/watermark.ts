/** How time is read from the frames of a stream. All durations in whole seconds of event time. */
export interface TimeRules {
  /** Frames at most this much older than their partition's time are still counted. */
  readonly latenessS: number;
  /**
   * A frame at most this much ahead of its partition's time is counted at once; one further ahead must be confirmed.
   * Twice the lateness, so that frames in any order within the lateness are never held: the oldest that may still
   * come is at most `latenessS` behind the newest, and time itself, `confirmFrames` behind the newest, a little more.
   */
  readonly aheadS: number;
  /** How far the watermark stays behind time: by then 99.9 % of a window's frames have come. */
  readonly orderS: number;
  /** A partition's time is what this many of its last frames, twice as many, have reached: fewer wild ones cannot move it. */
  readonly confirmFrames: number;
}

export const DEFAULT_TIME_RULES: TimeRules = {
  latenessS: 3_600,
  aheadS: 7_200,
  orderS: 5,
  confirmFrames: 100,
};

/** What is known of one partition's time: undefined until enough frames agree. */
export interface PartitionClock {
  readonly timeS: number | undefined;
  /** `idle`: read up to its end for now, so that nothing waits for it; `ended`: nothing will ever follow. */
  readonly reading: 'reading' | 'idle' | 'ended';
}

const UNREPORTED: PartitionClock = { timeS: undefined, reading: 'reading' };

/**
 * What a merge stage may believe of a partition's clock, undefined before its first report. `behind`: slices that have told more than
 * was read of them; an idle partition of theirs may be idle no more. `teller`: whose report it is, undefined since a restart: anybody's.
 */
export function believedClock(
  clock: PartitionClock | undefined,
  teller: string | undefined,
  behind: ReadonlySet<string>,
): PartitionClock {
  if (clock?.reading !== 'idle') return clock ?? UNREPORTED;
  const isStale = teller === undefined ? behind.size > 0 : behind.has(teller);
  return isStale ? { timeS: clock.timeS, reading: 'reading' } : clock;
}

/**
 * The time all partitions have reached, in seconds: the earliest of those being read; with none of these the earliest
 * of the idle ones; infinity when all have ended. Undefined while one that is being read has no time.
 */
export function mergedTimeS(partitions: Iterable<PartitionClock>): number | undefined {
  let reading = Number.POSITIVE_INFINITY;
  let idle = Number.POSITIVE_INFINITY;
  let isRead = false;
  let isIdle = false;
  for (const partition of partitions) {
    if (partition.reading === 'reading') {
      isRead = true;
      reading = Math.min(reading, partition.timeS ?? Number.NEGATIVE_INFINITY);
    } else if (partition.reading === 'idle') {
      isIdle = true;
      idle = Math.min(idle, partition.timeS ?? Number.POSITIVE_INFINITY);
    }
  }
  if (isRead) return reading === Number.NEGATIVE_INFINITY ? undefined : reading;
  return isIdle && idle === Number.POSITIVE_INFINITY ? undefined : idle;
}

/**
 * Which partitions to stop reading for now: those more than `maxSkewS` ahead of the slowest being read. It bounds the
 * windows that are open at once by the lateness instead of by how unevenly partitions are read.
 */
export function partitionsToPause(
  partitions: ReadonlyMap<number, PartitionClock>,
  maxSkewS: number,
): number[] {
  const slowest = mergedTimeS(partitions.values());
  if (slowest === undefined) return [];
  const ahead: number[] = [];
  for (const [id, { timeS }] of partitions) if ((timeS ?? slowest) > slowest + maxSkewS) ahead.push(id);
  return ahead;
}

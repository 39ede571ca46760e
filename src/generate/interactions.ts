import { Random } from './random.js';

export interface InteractionOptions {
  readonly seed: number;
  /** Midnight UTC of the day, epoch ms. */
  readonly dayMs: number;
  /** Records, duplicates and malformed ones included. */
  readonly records: number;
}

/** Of the day, 10:00 to 16:45 UTC. */
const FROM_MS = 10 * 3_600_000;
const TO_MS = (16 * 60 + 45) * 60_000;
/** How far a record may stand from where its time would put it. */
const DISORDER_MS = 5 * 60_000;
const DUPLICATE_SHARE = 0.01;
const MALFORMED_SHARE = 0.001;
const TYPES = ['view', 'click', 'search', 'add_to_cart', 'purchase', 'chat', 'call'] as const;
const CHANNELS = ['web', 'ios', 'android', 'store'] as const;

/**
 * A day of customer interactions as JSON texts, in the order in which they arrive: out of order by up to minutes, some
 * twice, a few malformed (no time, a time that is none, no object at all). The same options give the same records.
 */
export function* generateInteractions({ seed, dayMs, records }: InteractionOptions): Generator<string> {
  const random = Random.of(seed, 0x696e7465);
  const arrivals = Array.from({ length: records }, (_, index) => {
    const timeMs = dayMs + FROM_MS + Math.floor(random.fraction() * (TO_MS - FROM_MS));
    return { index, timeMs, arrivesMs: timeMs + random.int(0, DISORDER_MS) };
  }).sort((a, b) => a.arrivesMs - b.arrivesMs || a.index - b.index);
  let last: string | undefined;
  for (const { index, timeMs } of arrivals) {
    if (last !== undefined && random.chance(DUPLICATE_SHARE)) {
      yield last;
      continue;
    }
    const interaction = {
      interaction_id: `i-${String(index).padStart(8, '0')}`,
      user_id: random.int(1, 5_000),
      type: random.pick(TYPES),
      channel: random.pick(CHANNELS),
      ts: new Date(timeMs).toISOString(),
      duration_ms: random.int(10, 60_000),
    };
    if (random.chance(MALFORMED_SHARE)) {
      const broken = [
        { ...interaction, ts: undefined },
        { ...interaction, ts: 'soon' },
        'not an interaction',
      ];
      yield JSON.stringify(random.pick(broken));
      continue;
    }
    last = JSON.stringify(interaction);
    yield last;
  }
}

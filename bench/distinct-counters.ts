import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { HashSet64 } from '../src/core/hash-set64.js';
import { hash64 } from '../src/core/hash64.js';
import { DEFAULT_PRECISION, UniqueSketch } from '../src/core/hyperloglog.js';
import { uidText } from '../src/generate/frames.js';
import { spread, type Benchmark } from './benchmark.js';

const USERS = 100_000;
/** Every user comes so many times. */
const TIMES = 5;
/** Of the linear counter: 2^20 bits hold 100,000 users at an error of a few tenths of a percent. */
const LINEAR_BITS = 1 << 20;

interface Counter {
  readonly add: (user: number, high: number, low: number) => void;
  readonly count: () => number;
  /** Where it is one piece of memory; else it is measured. */
  readonly bytes?: number;
}

/**
 * The ways of counting distinct users, on the same users in the same order: memory, error and speed. Ids are hashed beforehand
 * for those that take hashes, so that a rate is that of the counter.
 */
export const benchmark: Benchmark = {
  about: `set of ids, bitmap, linear counting, HyperLogLog, set of hashes: ${USERS} users, ${TIMES} times each`,
  run({ scale, rounds = 5, log }) {
    const users = Math.round(USERS * scale);
    const hashes = hashesOf(users);
    const ids = Array.from({ length: users }, (_, user) => uidText(user));
    const counters: Readonly<Record<string, () => Counter>> = {
      'hyperloglog-14': hyperloglog,
      'hash-set': hashSet,
      'set-of-ids': () => setOfIds(ids),
      bitmap: () => bitmap(users),
      'linear-counting': linearCounting,
    };
    // All kept until the last one is measured: what were freed meanwhile would be taken off its memory.
    const kept = Object.values(counters).map((make) => {
      const before = memory();
      const counter = make();
      addAll(counter, hashes);
      return { counter, bytes: counter.bytes ?? memory() - before };
    });
    const measured = Object.entries(counters).map(([name, make], c) => {
      const rates = Array.from({ length: rounds }, () => {
        const counter = make();
        const startedMs = performance.now();
        for (let time = 0; time < TIMES; time++) addAll(counter, hashes);
        return (1_000 * users * TIMES) / (performance.now() - startedMs);
      });
      const { counter, bytes } = kept[c]!;
      const rate = spread(rates.map(Math.round));
      const kilobytes = Math.round(bytes / 1024);
      const errorPercent = Number((100 * (counter.count() / users - 1)).toFixed(2));
      log(`${name}: ${kilobytes} kB, ${errorPercent} % off, ${Math.round(rate.median)} adds/s`);
      return [name, { ...rate, kilobytes, errorPercent }] as const;
    });
    const [[, ours] = measured[0]!, ...peers] = measured;
    return Promise.resolve({
      bench: 'distinct-counters',
      unit: 'adds/s',
      ours,
      peers: Object.fromEntries(peers),
      ratios: {},
      users,
    });
  },
};

function addAll({ add }: Counter, hashes: Int32Array): void {
  for (let user = 0; 2 * user < hashes.length; user++) add(user, hashes[2 * user]!, hashes[2 * user + 1]!);
}

function hashesOf(users: number): Int32Array {
  const hashes = new Int32Array(2 * users);
  const hash = new Uint32Array(4);
  for (let user = 0; user < users; user++) {
    const id = Buffer.from(uidText(user));
    hash64(id, 0, id.length, hash);
    hashes.set([hash[0]!, hash[1]!], 2 * user);
  }
  return hashes;
}

function hyperloglog(): Counter {
  const sketch = new UniqueSketch(DEFAULT_PRECISION);
  return {
    add: (_user, high, low) => void sketch.add(high, low),
    count: () => sketch.count,
    bytes: 2 ** DEFAULT_PRECISION,
  };
}

function hashSet(): Counter {
  const set = new HashSet64();
  return { add: (_user, high, low) => void set.add(high, low), count: () => set.size };
}

/** Ids come as texts of their own, as a parser makes them. */
function setOfIds(ids: readonly string[]): Counter {
  const set = new Set<string>();
  return { add: (user) => void set.add(Buffer.from(ids[user]!).toString()), count: () => set.size };
}

/** Needs users numbered from 0, and their number beforehand. */
function bitmap(users: number): Counter {
  const bits = new Uint8Array(Math.ceil(users / 8));
  return {
    add: (user) => void (bits[user >> 3]! |= 1 << (user & 7)),
    count: () => ones(bits),
    bytes: bits.length,
  };
}

/** Whang et al., "A linear-time probabilistic counting algorithm" (1990): from the share of bits still zero. */
function linearCounting(): Counter {
  const bits = new Uint8Array(LINEAR_BITS / 8);
  return {
    add: (_user, _high, low) => void (bits[(low & (LINEAR_BITS - 1)) >> 3]! |= 1 << (low & 7)),
    count: () => -LINEAR_BITS * Math.log(1 - ones(bits) / LINEAR_BITS),
    bytes: bits.length,
  };
}

function ones(bits: Uint8Array): number {
  let sum = 0;
  for (let byte of bits) for (; byte !== 0; byte &= byte - 1) sum++;
  return sum;
}

/** The collector, which only a context made after its flag was set has. */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;

/** Bytes in use, of the heap and outside of it. */
function memory(): number {
  collect();
  const { heapUsed, arrayBuffers } = process.memoryUsage();
  return heapUsed + arrayBuffers;
}

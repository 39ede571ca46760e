/** `npm run bench -- [name ...] [--scale F] [--rounds N] [--json]`: all of them without a name. One JSON object each. */
import { parseArgs } from 'node:util';
import { commit, machine, type Benchmark } from './benchmark.js';

/** Loaded when asked for: a benchmark of files needs no client of a database. */
const BENCHMARKS: Readonly<Record<string, () => Promise<{ readonly benchmark: Benchmark }>>> = {
  gold: () => import('./gold.js'),
  backfill: () => import('./backfill.js'),
  verify: () => import('./verify.js'),
  replay: () => import('./replay/index.js'),
  ingest: () => import('./ingest/index.js'),
  logins: () => import('./logins/index.js'),
  uniques: () => import('./uniques/kafka.js'),
  'uniques-stages': () => import('./uniques/stages.js'),
  'distinct-counters': () => import('./distinct-counters.js'),
  'uniques-history': () => import('./uniques/history.js'),
  'uniques-file': () => import('./uniques/file.js'),
  hyperloglog: () => import('./hyperloglog/index.js'),
  'generate-frames': () => import('./generate-frames.js'),
  'frame-formats': () => import('./frame-formats/index.js'),
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    scale: { type: 'string', default: '1' },
    rounds: { type: 'string' },
    json: { type: 'boolean', default: false },
  },
});
const scale = Number(values.scale);
if (!(scale > 0 && scale <= 1)) throw new RangeError('--scale is a number in (0, 1]');
const rounds = values.rounds === undefined ? undefined : Number(values.rounds);

for (const name of positionals.length > 0 ? positionals : Object.keys(BENCHMARKS)) {
  const load = BENCHMARKS[name];
  if (load === undefined) {
    throw new RangeError(`no benchmark is called ${name}; there are ${Object.keys(BENCHMARKS).join(', ')}`);
  }
  const { benchmark } = await load();
  const log = (line: string): void => void (values.json || process.stderr.write(`${name}: ${line}\n`));
  log(benchmark.about);
  const report = await benchmark.run({ scale, rounds, log });
  process.stdout.write(
    `${JSON.stringify({ ...report, scale, machine: machine(), commit: commit() }, null, values.json ? undefined : 2)}\n`,
  );
}

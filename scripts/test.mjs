// `make test`: build, lint and every suite; goes on after a failure, so that one run shows all there is to mend.
// Ends with what failed, and `N passed, N failed`: tests, and each of the checks before them as one.
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';

const folder = mkdtempSync(join(tmpdir(), 'tidemark-test-'));
const total = { passed: 0, failed: 0, skipped: 0 };
const faults = [];
const only = process.argv.slice(2);

const seconds = (startMs) => `${((Date.now() - startMs) / 1000).toFixed(0)} s`;

async function run(name, command, args, env = {}) {
  console.log(`\n== ${name}`);
  const startMs = Date.now();
  const child = execa(command, args, {
    stdin: 'ignore',
    all: true,
    buffer: false,
    reject: false,
    preferLocal: true,
    env,
  });
  // Several run side by side: every line says whose it is.
  for await (const line of child.iterable({ from: 'all' })) console.log(`${name.padEnd(13)} ${line}`);
  const { exitCode } = await child;
  console.log(`== ${name}: ${exitCode === 0 ? 'ok' : 'FAILED'}, ${seconds(startMs)}`);
  return exitCode === 0;
}

function fail(name, why) {
  total.failed += 1;
  faults.push(`${name}: ${why}`);
}

async function check(name, command, args) {
  const ok = await run(name, command, args);
  if (ok) total.passed += 1;
  else fail(name, 'see above');
  return ok;
}

const mochaSuite = (name, files = [`dist/test/${name}/**/*.test.js`]) =>
  suite(name, 'mocha', [...files, '--reporter', 'scripts/counting-reporter.mjs', '--no-color']);

/** Every second file of a suite: its halves take about as long, and run side by side. */
function halfOf(name, half) {
  const folder = join('dist', 'test', name);
  const files = readdirSync(folder, { recursive: true }).filter((file) => file.endsWith('.test.js'));
  return files
    .sort()
    .filter((_, i) => i % 2 === half)
    .map((file) => join(folder, file));
}

/** A suite that ends without its counts (a crash, nothing found) is one failure of its own. */
async function suite(name, command, args) {
  const counts = join(folder, `${name}.json`);
  const ok = await run(name, command, args, { TIDEMARK_TEST_COUNTS: counts });
  if (!existsSync(counts)) return fail(name, 'it ended without its counts');
  const { passed, failed, skipped, faults: its = [] } = JSON.parse(readFileSync(counts, 'utf8'));
  total.passed += passed;
  total.failed += failed;
  total.skipped += skipped;
  faults.push(...its.map((fault) => `${name}: ${fault}`));
  if (passed + failed === 0) fail(name, 'it ran no test');
  else if (!ok && failed === 0) fail(name, 'it ended with an error outside its tests');
}

const wanted = (name) => only.length === 0 || only.includes(name);
rmSync('dist', { recursive: true, force: true });
const built = await check('type check', 'tsc', ['-p', 'tsconfig.json']);
// Beside each other: each keeps one core busy.
await Promise.all([
  wanted('lint') && check('lint', 'eslint', ['.', '--max-warnings', '0']),
  wanted('lint') && check('format', 'prettier', ['--check', '.', '--log-level', 'warn']),
  built && wanted('unit') && mochaSuite('unit'),
]);
if (built) {
  // Its kills are to hit what is under way, not what a busy machine has held up: it runs alone.
  if (wanted('chaos')) await mochaSuite('chaos');
  // More than half of their time is waiting, for a heartbeat to be missed or a service to start: the three fit on two cores.
  await Promise.all([
    wanted('integration') && mochaSuite('integration-1', halfOf('integration', 0)),
    wanted('integration') && mochaSuite('integration-2', halfOf('integration', 1)),
    wanted('airflow') && suite('airflow', process.execPath, ['dist/test/airflow/main.js']),
  ]);
}
rmSync(folder, { recursive: true, force: true });

for (const fault of faults) console.log(`failed  ${fault}`);
const skipped = total.skipped > 0 ? `, ${total.skipped} skipped` : '';
console.log(`\n${total.passed} passed, ${total.failed} failed${skipped}`);
process.exitCode = total.failed === 0 ? 0 : 1;

// Computes what is missing or stale of a range of days, then shows every day of it:
//
//     node examples/backfill-gold/run.mjs 2026-11-01 2026-11-20 [data directory of the stack]
//
// Safe to stop and to run again: the backfill goes on without this program, and what is done is not done again.
import { dataDirectory, loadConfig, PipelineError, Tidemark } from 'tidemark';

const [from, to, dataDir] = process.argv.slice(2);
const tidemark = new Tidemark(loadConfig(dataDirectory(dataDir, process.env), process.env));
try {
  const plan = await tidemark.gold.planBackfill({ from, to });
  console.log(`${plan.length} days to compute`);
  const result = await tidemark.gold.backfill({ from, to, parallelism: 2, requestedBy: 'an example' });
  console.log(`${result.computed} computed, ${result.reused} were fresh by then`);
  for (const { day, state, rows } of await tidemark.gold.status({ from, to })) {
    console.log(`${day} ${state}: ${rows} users`);
  }
  // One day by itself, forced: whoever else asks for it meanwhile attaches.
  const run = await tidemark.gold.run({ day: to, force: true });
  console.log(`${run.day} computed again: ${run.rowsWritten} users, ${run.events} events`);
} catch (error) {
  if (!(error instanceof PipelineError)) throw error;
  // `code` is for programs (BAD_RANGE, DAYS_FAILED, GATE_TIMEOUT, NO_WORKER ...), `retryable` says whether to try again.
  console.error(`${error.message} (${error.code}${error.retryable ? ', try again' : ''})`);
  process.exitCode = 1;
} finally {
  await tidemark.close();
}

import { PipelineError } from '../../src/core/errors.js';
import { openSupervisor, startOrStop } from './index.js';
import { OrderSchema, type News } from './messages.js';
import { untilSignalled } from './until-signalled.js';

/** The detached supervisor of one data directory: up until a signal, with news for its parent until it is up. */
const order = OrderSchema.parse(JSON.parse(process.argv[2] ?? '{}'));

function tell(news: News): void {
  process.stderr.write(`${new Date().toISOString()} ${JSON.stringify(news)}\n`);
  // The parent may be gone; the stack goes on without it.
  if (process.connected) process.send?.(news, () => undefined);
}

try {
  const supervisor = await openSupervisor(order.dataDir, order.portBase, order.cacheDir, order.services);
  supervisor.onChange((name, { phase, reason }) => tell({ kind: 'service', name, phase, reason }));
  const stopped = untilSignalled(supervisor);
  const up = startOrStop(supervisor).then(() => tell({ kind: 'up' }));
  await Promise.race([up, stopped]);
  if (process.connected) process.disconnect();
  await stopped;
  process.exit(0);
} catch (error) {
  const code = error instanceof PipelineError ? error.code : 'START_FAILED';
  tell({ kind: 'failed', code, message: error instanceof Error ? error.message : String(error) });
  process.exit(1);
}

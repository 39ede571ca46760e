import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../../../src/generate/random.js';
import type { GoldDayResult } from '../../../src/index.js';
import type { GoldScene } from './scene.js';
import type { WorkerProcess } from './worker-process.js';

/** What was done to a run, and how it is known that it hit. */
export interface Blow {
  readonly target: string;
  readonly action: string;
  readonly run: GoldDayResult;
  /** Seen from outside; empty when the fault did not land where it should. */
  readonly proof: string;
}

export type GoldFault = (scene: GoldScene, random: Random) => Promise<Blow>;

/** The moments at which a statement of the worker can be caught on its way. */
const REPLACE = /REPLACE PARTITION/;
const RECORD_COMPLETE = /"status":"complete"/;

/** A moment of the INSERT, by the clock: here the clock is the point. Shorter than what the gate makes of the INSERT. */
const somewhereIn = (random: Random): Promise<void> => delay(random.int(0, 1_000));

async function started(
  scene: GoldScene,
): Promise<{ worker: WorkerProcess; running: Promise<GoldDayResult> }> {
  await scene.addLateEvents();
  const worker = await scene.worker();
  const running = scene.run();
  // Awaited at the end of the fault; a failure before is reported there.
  running.catch(() => undefined);
  return { worker, running };
}

/** The INSERT goes on without its client: the next attempt has to end it. */
const workerKilledInInsert: GoldFault = async (scene, random) => {
  const { worker, running } = await started(scene);
  const query = await scene.untilFilling();
  await somewhereIn(random);
  await worker.kill();
  const orphan = await scene.fillUnderWay();
  await scene.startWorker();
  const run = await running;
  const proof = orphan === query && run.attempt > 1 ? `${query} ran on, attempt ${run.attempt} finished` : '';
  return { target: 'worker', action: 'SIGKILL while the INSERT ran', run, proof };
};

/** Gold holds the new rows, and no record says so. */
const workerKilledBeforeRecord: GoldFault = async (scene) => {
  await scene.addLateEvents();
  const worker = await scene.worker();
  const caught = worker.gate.hold(RECORD_COMPLETE);
  const running = scene.run();
  running.catch(() => undefined);
  await caught;
  const replaced = (await scene.compare()).equal;
  await worker.kill();
  await scene.startWorker();
  const run = await running;
  const proof =
    replaced && run.attempt > 1 ? `replaced but not recorded, attempt ${run.attempt} finished` : '';
  return { target: 'worker', action: 'SIGKILL between REPLACE and its record', run, proof };
};

/** Its REPLACE, sent before, reaches the server after another attempt is through: it must find nothing to replace from. */
const zombieAtReplace: GoldFault = async (scene) => {
  await scene.addLateEvents();
  const zombie = await scene.worker();
  const caught = zombie.gate.hold(REPLACE);
  const running = scene.run();
  running.catch(() => undefined);
  const held = await caught;
  zombie.signal('SIGSTOP');
  // What the zombie has in its staging is now older than silver: it would show.
  await scene.addLateEvents();
  await scene.startWorker();
  const run = await running;
  const before = JSON.stringify(await sorted(scene));
  const answer = held.release();
  zombie.signal('SIGCONT');
  const { status, body } = await answer;
  await zombie.stop();
  const unchanged = before === JSON.stringify(await sorted(scene));
  const refused = status !== 200 && /UNKNOWN_TABLE/.test(body);
  const proof =
    refused && unchanged && run.attempt > 1
      ? `its REPLACE met UNKNOWN_TABLE, attempt ${run.attempt} stands`
      : '';
  return { target: 'worker', action: 'SIGSTOP at the REPLACE, SIGCONT after the next attempt', run, proof };
};

/** Stopped while it fills, woken when its staging and its INSERT are gone. */
const zombieInInsert: GoldFault = async (scene, random) => {
  const { worker: zombie, running } = await started(scene);
  const query = await scene.untilFilling();
  await somewhereIn(random);
  zombie.signal('SIGSTOP');
  const orphan = await scene.fillUnderWay();
  await scene.addLateEvents();
  await scene.startWorker();
  const run = await running;
  const before = JSON.stringify(await sorted(scene));
  // What an attempt that failed does, and one that Temporal gave to the stopped worker and took away again.
  const wakes = zombie.gate.hold(/KILL QUERY/);
  zombie.signal('SIGCONT');
  const { status } = await (await wakes).release();
  await zombie.stop();
  const unchanged = before === JSON.stringify(await sorted(scene));
  const proof =
    orphan === query && status === 200 && unchanged && run.attempt > 1
      ? `woken, it gave up; attempt ${run.attempt} stands`
      : '';
  return {
    target: 'worker',
    action: 'SIGSTOP while the INSERT ran, SIGCONT after the next attempt',
    run,
    proof,
  };
};

const clickhouseKilled: GoldFault = async (scene, random) => {
  const { running } = await started(scene);
  await scene.untilFilling();
  await somewhereIn(random);
  const query = await scene.fillUnderWay();
  scene.stack.kill('clickhouse', 'SIGKILL');
  await scene.stack.waitReady('clickhouse');
  const run = await running;
  const proof =
    query !== undefined && run.attempt > 1 ? `${query} died, attempt ${run.attempt} finished` : '';
  return { target: 'clickhouse', action: 'SIGKILL while the INSERT ran', run, proof };
};

const temporalKilled: GoldFault = async (scene, random) => {
  const { running } = await started(scene);
  const query = await scene.untilFilling();
  await somewhereIn(random);
  scene.stack.kill('temporal', 'SIGKILL');
  const ranOn = await scene.fillUnderWay();
  await scene.stack.waitReady('temporal');
  const run = await running;
  const proof = ranOn === query ? `${query} ran while there was no Temporal` : '';
  return { target: 'temporal', action: 'SIGKILL while the INSERT ran', run, proof };
};

const sorted = async (scene: GoldScene) =>
  (await scene.rows()).sort((a, b) => String(a.user_id).localeCompare(String(b.user_id)));

/** Every kind once, then again. */
export const GOLD_FAULTS: readonly GoldFault[] = [
  workerKilledInInsert,
  zombieAtReplace,
  clickhouseKilled,
  temporalKilled,
  workerKilledBeforeRecord,
  zombieInInsert,
];

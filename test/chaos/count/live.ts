import type { UniqueUsersResult } from '../../../src/core/uniques-result.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import type { FrameOptions } from '../../../src/generate/frames.js';
import type { CountInput, CountPlan } from '../../../src/messages.js';
import { waitUntil } from '../../../src/wait-until.js';
import { PARTITIONS } from '../job/scene.js';
import type { Fault } from '../report.js';
import type { CountOutcome, CountScene } from './scene.js';

/** A frame whose time is behind that of all windows compared; so many in every partition agree. */
const LATER = { ts: Date.parse('2018-02-03T04:05:06Z') / 1_000, uid: 'of a later year' };
const LATER_YEAR = '2018';
const AGREEING = 40;
const PATIENCE = { timeoutMs: 60_000, everyMs: 200 };

export interface LiveCount {
  readonly faults: readonly Fault[];
  readonly outcome: CountOutcome;
  /** Of an undisturbed bounded count of the same frames. */
  readonly calm: CountOutcome;
  /** All that the live job has given, in order. */
  readonly results: readonly UniqueUsersResult[];
}

/**
 * A live count of frames of 2016 that come while it runs, killed so many times, and a bounded one of the same topic, undisturbed. The
 * outcomes are what both must agree in: see `comparable`.
 */
export async function countLive(
  scene: CountScene,
  frames: Partial<FrameOptions> & Pick<FrameOptions, 'frames' | 'seed'>,
  rules: Partial<CountInput>,
  kills: number,
): Promise<LiveCount> {
  await scene.fill({ frames: 0 });
  const plan = await scene.plan({ job: 'live', bounded: false, slices: 2, provisionalMs: 200, ...rules });
  const live = scene.startLive(plan, frames.seed);
  const faults: Fault[] = [];
  try {
    // It listens before the piece is written whose commits it is about. The next piece waits for it: there is always more to come.
    let strike = live.strike();
    await scene.trickle(frames, Math.floor(frames.frames / (2 * kills)), async () => {
      if (faults.length === kills) return;
      faults.push(await strike);
      if (faults.length < kills) strike = live.strike();
    });
    const hasAll = () => yearsAre(scene, plan, (result, exact) => result.frames === exact.frames);
    await waitUntil('results of all frames', hasAll, PATIENCE);
    await scene.write(Array<object>(PARTITIONS * AGREEING).fill(LATER));
    const areFinal = () => yearsAre(scene, plan, ({ status }) => status !== 'provisional');
    await waitUntil('final results', areFinal, PATIENCE);
  } finally {
    await live.end();
  }
  const calmPlan = await scene.plan({ job: 'live.calm', ...rules });
  await scene.countCalmly(calmPlan);
  return {
    faults,
    outcome: comparable(await scene.outcome(plan)),
    calm: comparable(await scene.outcome(calmPlan)),
    results: await scene.results(plan),
  };
}

/** Whether the newest results of years, which end last, are as asked. Finals of all windows are given in one transaction. */
async function yearsAre(
  scene: CountScene,
  plan: CountPlan,
  asked: (result: UniqueUsersResult, exact: ExactCount) => boolean,
): Promise<boolean> {
  const { newest } = await scene.outcome(plan);
  return scene.answers.every((exact) => {
    const result = newest.get(`${exact.window}/${exact.start}`);
    return exact.window !== 'year' || (result !== undefined && asked(result, exact));
  });
}

/**
 * What a live and a bounded count must agree in. Not in windows of the later year, which stay provisional as long as a live job runs; nor in
 * how often a window was revised, which is a matter of pace (an outcome does not have it); nor in why a frame was refused that was held when
 * the producer stopped: the silence and the later year are both a reason.
 */
function comparable({ results, sketches, newest, quarantined }: CountOutcome): CountOutcome {
  const earlier = <Value>(windows: ReadonlyMap<string, Value>) =>
    new Map([...windows].filter(([key]) => key.split('/')[1]! < LATER_YEAR));
  return {
    results: earlier(results),
    sketches: earlier(sketches),
    newest: earlier(newest),
    quarantined: quarantined.map((frame) => frame.split(' ')[1]!).sort(),
  };
}

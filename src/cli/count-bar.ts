import { Presets, SingleBar } from 'cli-progress';
import type { Tidemark } from '../client.js';
import type { CountResult } from '../messages.js';
import type { FrameInput } from './count-input.js';
import { thousands } from './numbers.js';

/** Progress bars on standard error. */

/** How often a waiting caller looks, ms. */
const LOOK_EVERY_MS = 500;

/** Of an input being counted. */
export function openInputBar(input: FrameInput): SingleBar {
  const format =
    input.totalBytes === undefined
      ? 'counting {frames} frames, {duration_formatted}'
      : 'counting {bar} {percentage} %, {frames} frames, {eta_formatted} left';
  const bar = openBar(format);
  bar.start(input.totalBytes ?? 0, 0, { frames: '0' });
  return bar;
}

/** Waits for the end, with a bar on standard error when that is a terminal and the job has an end. */
export async function watchCount(tidemark: Tidemark, job: string, mayDraw: boolean): Promise<CountResult> {
  if (!mayDraw || !process.stderr.isTTY) return tidemark.count.wait(job);
  const format = 'counting {bar} {percentage} %, {rate} frames/s, {left} left';
  const bar = openBar(format);
  bar.start(0, 0, { rate: '-', left: '-' });
  const looking = setInterval(() => {
    // A look that fails shows nothing new: whether the count fails is told by the wait.
    void tidemark.count.status(job).then(
      ({ done, total, framesPerSecond, etaMs }) => {
        bar.setTotal(Number(total ?? done));
        bar.update(Number(done), {
          rate: framesPerSecond === null ? '-' : thousands(framesPerSecond),
          left: etaMs === null ? '-' : `${Math.ceil(etaMs / 1_000)} s`,
        });
      },
      () => undefined,
    );
  }, LOOK_EVERY_MS);
  try {
    return await tidemark.count.wait(job);
  } finally {
    clearInterval(looking);
    bar.stop();
  }
}

const openBar = (format: string): SingleBar =>
  new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.shades_classic);

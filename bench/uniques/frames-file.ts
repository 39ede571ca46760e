import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import type { ExactCount } from '../../src/generate/frames-answer.js';
import { generateFrames, type FrameOptions } from '../../src/generate/frames.js';

/** Writes frames to a file, which lies in the page cache then. Returns the exact answer, by window and start. */
export async function writeFrames(path: string, options: FrameOptions): Promise<Map<string, ExactCount>> {
  const exact = new Map<string, ExactCount>();
  const file = createWriteStream(path);
  for (const { bytes, answers } of generateFrames(options)) {
    // A piece's memory is used for the next one.
    if (!file.write(bytes)) await once(file, 'drain');
    for (const answer of answers) exact.set(`${answer.window}/${answer.start}`, answer);
  }
  file.end();
  await once(file, 'finish');
  return exact;
}

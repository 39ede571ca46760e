import assert from 'node:assert/strict';
import { FRAME_DEFAULTS, generateFrames } from '../../../src/generate/frames.js';
import { framesAtOnce, paced } from '../../../src/generate/paced.js';

/** Plays the writing of small frames at a rate by a clock that only waits move. */
async function play(rate: number, frames: number, takesMs = 0): Promise<{ atMs: number; frames: number }[]> {
  let nowMs = 5_000;
  const clock = {
    nowMs: () => nowMs,
    wait: (ms: number) => {
      nowMs += ms;
      return Promise.resolve();
    },
  };
  const options = { ...FRAME_DEFAULTS, frames, bytes: 60, users: 10 };
  const written: { atMs: number; frames: number }[] = [];
  for await (const piece of paced(generateFrames(options, framesAtOnce(rate)), rate, clock)) {
    assert.equal(piece.bytes.toString().split('\n').length - 1, piece.frames);
    written.push({ atMs: nowMs - 5_000, frames: piece.frames });
    if (piece.frames > 0) nowMs += takesMs;
  }
  written.push({ atMs: nowMs - 5_000, frames: 0 });
  return written;
}

describe('generate/paced', () => {
  for (const [rate, frames] of [
    [100, 500],
    [3, 12],
    [0.5, 3],
    [25_000, 100_000],
  ] as const) {
    it(`writes ${rate} frames a second as a trickle: never more, and never nothing for long`, async () => {
      const written = await play(rate, frames);
      const mostMs = Math.max(100, 1_000 / rate);
      let before = 0;
      for (const [i, { atMs, frames: now }] of written.entries()) {
        // What is written at once is due within a tenth of a second, or it is one frame.
        assert.ok(before <= (atMs * rate) / 1_000 + 1e-6, `${before} frames by ${atMs} ms`);
        if (i > 0) assert.ok(atMs - written[i - 1]!.atMs <= mostMs + 1e-6, `nothing until ${atMs} ms`);
        before += now;
      }
      assert.equal(before, frames);
      assert.ok(Math.abs(written.at(-1)!.atMs - (1_000 * frames) / rate) < 1e-6);
    });
  }

  it('makes up for time that writing took, and waits no more where writing is slower than the rate', async () => {
    assert.ok(Math.abs((await play(100, 200, 40)).at(-1)!.atMs - 2_000) < 1e-6);
    assert.equal((await play(100, 200, 150)).at(-1)!.atMs, 20 * 150);
  });

  it('is as large pieces as fit without a rate', () => {
    assert.equal(framesAtOnce(undefined), Number.POSITIVE_INFINITY);
    const pieces = [...generateFrames({ ...FRAME_DEFAULTS, frames: 40_000, bytes: 60 })];
    assert.ok(pieces.length < 5);
  });
});

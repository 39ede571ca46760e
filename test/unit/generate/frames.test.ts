import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { FRAME_DEFAULTS, generateFrames, uidText, type FrameOptions } from '../../../src/generate/frames.js';
import type { ExactCount } from '../../../src/generate/frames-answer.js';
import { count, exact, type Frame } from '../core/counting.js';

const make = (options: Partial<FrameOptions>) => {
  const lines: string[] = [];
  const answers: ExactCount[] = [];
  let frames = 0;
  for (const piece of generateFrames({
    ...FRAME_DEFAULTS,
    frames: 5_000,
    users: 700,
    bytes: 400,
    ...options,
  })) {
    lines.push(piece.bytes.toString());
    answers.push(...piece.answers);
    frames += piece.frames;
  }
  const text = lines.join('');
  return { text, lines: text.split('\n').slice(0, -1), answers, frames };
};

const read = (line: string): Frame | undefined => {
  try {
    const { ts, uid } = JSON.parse(line) as { ts: unknown; uid: unknown };
    return Number.isFinite(Number(ts)) && typeof uid === 'string' ? [Number(ts), uid] : undefined;
  } catch {
    return undefined;
  }
};

const digest = (text: string): string => createHash('sha256').update(text).digest('hex');

describe('generate/frames', () => {
  it('makes as many frames as asked, every one JSON, of about the size, and of every user', () => {
    for (const bytes of [43, 60, 400, 2_078]) {
      const { lines, text, frames } = make({ bytes });
      assert.equal(frames, 5_000);
      assert.equal(lines.length, 5_000);
      const parsed = lines.map(read);
      assert.ok(parsed.every((frame) => frame !== undefined));
      assert.equal(new Set(parsed.map((frame) => frame[1])).size, 700);
      assert.ok(
        Math.abs(Buffer.byteLength(text) / 5_000 / bytes - 1) < 0.05,
        `${text.length / 5_000} for ${bytes}`,
      );
    }
  });

  it('makes the same of the same options and something else of another seed', () => {
    assert.equal(
      digest(make({ flips: 9, malformed: 5 }).text),
      digest(make({ flips: 9, malformed: 5 }).text),
    );
    assert.notEqual(digest(make({ seed: 2 }).text), digest(make({}).text));
  });

  it('hides decoys, escapes, other alphabets and times as text in them', () => {
    const { text } = make({ bytes: 2_078 });
    for (const part of ['"uid":"decoy-', '\\u00e9', '\\"', 'покупатель', '"ts":"14', '},"uid"']) {
      assert.ok(text.includes(part), part);
    }
  });

  it('says the exact answer, by way of JSON.parse and sets, with frames out of order and flips inside', () => {
    const { lines, answers } = make({ lateShare: 0.05, perSecond: 5, flipsInside: 40 });
    const expected = exact(lines.map((line) => read(line)!));
    assert.equal(answers.length, expected.size);
    assert.equal(new Set(answers.map(({ window, start }) => `${window}/${start}`)).size, answers.length);
    for (const { window, start, end, users, frames } of answers) {
      const seen = expected.get(`${window}/${start}`)!;
      assert.deepEqual(
        { end, users, frames },
        { end: seen.end, users: seen.users.size, frames: seen.frames },
      );
    }
  });

  it('leaves out of the answer what cannot be counted: as many faults as asked for, all outside', () => {
    const { lines, answers } = make({ flips: 50, malformed: 31 });
    const good = lines.map(read).filter((frame) => frame !== undefined);
    const end = FRAME_DEFAULTS.fromS + 5;
    const inside = good.filter(([atS]) => atS >= FRAME_DEFAULTS.fromS && atS < end);
    assert.equal(good.length - inside.length, 50);
    assert.equal(lines.length - good.length, 31);
    assert.ok(
      good.every(([atS]) => (atS >= FRAME_DEFAULTS.fromS && atS < end) || Math.abs(atS - end) > 7_200),
    );
    assert.equal(answers.find(({ window }) => window === 'year')!.frames, inside.length);
  });

  it('says what a counter counts, too, where frames come late as well as flipped, outside and inside', () => {
    const faults = { lateShare: 0.5, lateS: 3_600, flips: 90, flipsInside: 90, malformed: 10 };
    for (const seed of [1, 2, 3]) {
      const { lines, answers } = make({ seed, frames: 20_000, bytes: 60, perSecond: 4, ...faults });
      const counted = count([lines.map((line) => read(line) ?? line)]).answers;
      assert.equal(answers.length, counted.size);
      for (const { window, start, end, users, frames } of answers) {
        const found = counted.get(`${window}/${start}`);
        assert.deepEqual(found, { end, users, frames, error: 0 }, `${window}/${start}`);
      }
    }
  });

  it('never gives two users one name', () => {
    const names = new Set<string>();
    for (let user = 0; user < 200_000; user++) names.add(uidText(user));
    assert.equal(names.size, 200_000);
    assert.match(uidText(0), /^[0-9a-f]{16}$/);
  });

  it('names every fault of its options at once', () => {
    assert.throws(() => make({ users: 0, bytes: 10, flips: 9_000, perSecond: 0 }), {
      code: 'BAD_OPTIONS',
      message: /users.*bytes.*flips.*perSecond/,
    });
  });
});

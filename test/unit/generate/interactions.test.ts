import assert from 'node:assert/strict';
import { generateInteractions } from '../../../src/generate/interactions.js';

const dayMs = Date.UTC(2026, 10, 20);
const all = [...generateInteractions({ seed: 1, dayMs, records: 30_000 })];
const timed = all
  .map((text) => JSON.parse(text) as { ts?: string } | string)
  .flatMap((one) => (typeof one === 'object' && one.ts !== undefined ? [Date.parse(one.ts)] : []))
  .filter((timeMs) => !Number.isNaN(timeMs));

describe('generated interactions', () => {
  it('are the same for the same seed, others for another', () => {
    assert.deepEqual([...generateInteractions({ seed: 1, dayMs, records: 30_000 })], all);
    assert.notDeepEqual([...generateInteractions({ seed: 2, dayMs, records: 30_000 })], all);
    assert.equal(all.length, 30_000);
  });
  it('lie between 10:00 and 16:45, out of order by up to five minutes', () => {
    assert.ok(timed.every((timeMs) => timeMs >= dayMs + 36_000_000 && timeMs < dayMs + 60_300_000));
    let latest = 0;
    let behindMs = 0;
    for (const timeMs of timed) {
      latest = Math.max(latest, timeMs);
      behindMs = Math.max(behindMs, latest - timeMs);
    }
    assert.ok(behindMs > 60_000 && behindMs <= 300_000, String(behindMs));
  });
  it('hold some twice and a few that are malformed', () => {
    const doubled = all.length - new Set(all).size;
    assert.ok(doubled > 200 && doubled < 400, String(doubled));
    const malformed = all.length - timed.length;
    assert.ok(malformed > 10 && malformed < 60, String(malformed));
  });
});

import assert from 'node:assert/strict';
import { addDays, dayOf, daysBetween, parseDay, previousDay } from '../../../src/core/day.js';

describe('core/day', () => {
  it('accepts calendar days and nothing else', () => {
    for (const day of ['2026-11-20', '2024-02-29', '1970-01-01']) assert.equal(parseDay(day), day);
    for (const bad of [
      '2026-02-29',
      '2026-13-01',
      '2026-1-1',
      'yesterday',
      '',
      '2026-11-20T00:00:00Z',
      '20261120',
      '1969-12-31',
    ]) {
      assert.throws(() => parseDay(bad), { name: 'PipelineError', code: 'BAD_DAY' }, bad);
    }
  });

  it('crosses months, years and leap days', () => {
    assert.equal(addDays('2024-02-28', 1), '2024-02-29');
    assert.equal(addDays('2025-12-31', 1), '2026-01-01');
    assert.equal(addDays('2026-01-01', -1), '2025-12-31');
    assert.deepEqual(daysBetween('2026-02-27', '2026-03-02'), ['2026-02-27', '2026-02-28', '2026-03-01']);
    assert.deepEqual(daysBetween('2026-03-02', '2026-03-02'), []);
  });

  it('takes the day by UTC, the end excluded', () => {
    assert.equal(dayOf(Date.parse('2026-11-20T23:59:59.999Z')), '2026-11-20');
    assert.equal(dayOf(Date.parse('2026-11-21T00:00:00Z')), '2026-11-21');
    assert.equal(previousDay(Date.parse('2026-11-21T00:00:00Z')), '2026-11-20');
  });
});

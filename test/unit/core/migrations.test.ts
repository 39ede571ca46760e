import assert from 'node:assert/strict';
import { fillPlaceholders, pendingMigrations, splitStatements } from '../../../src/core/migrations.js';

describe('core/migrations', () => {
  const file = (name: string, digest = name) => ({ name, digest, text: '' });

  it('runs what is not applied yet, in order', () => {
    const files = [file('0001'), file('0002'), file('0003')];
    const names = (applied: string[]) =>
      pendingMigrations(files, new Map(applied.map((name) => [name, name]))).map(({ name }) => name);
    assert.deepEqual(names([]), ['0001', '0002', '0003']);
    assert.deepEqual(names(['0001']), ['0002', '0003']);
    assert.deepEqual(names(['0001', '0002', '0003']), []);
  });

  it('refuses a changed, an inserted and an unknown migration', () => {
    const applied = new Map([['0002', '0002']]);
    assert.throws(() => pendingMigrations([file('0002', 'other')], applied), { code: 'MIGRATION_CHANGED' });
    assert.throws(() => pendingMigrations([file('0001'), file('0002')], applied), {
      code: 'MIGRATION_OUT_OF_ORDER',
    });
    assert.throws(() => pendingMigrations([file('0001')], new Map([['0009', 'x']])), {
      code: 'MIGRATION_UNKNOWN',
    });
  });

  it('fills every placeholder or says which it cannot', () => {
    assert.equal(fillPlaceholders('a ${x} b ${y}${x}', { x: '1', y: '' }), 'a 1 b 1');
    assert.throws(() => fillPlaceholders('${nope}', {}), { code: 'MIGRATION_PLACEHOLDER' });
  });

  it('splits at semicolons that end a line and leaves comment lines out', () => {
    const text = "-- a; b\nSELECT ';' AS x, 1;  \n\nSELECT 2\n  -- why;\n  FROM t;\n";
    assert.deepEqual(splitStatements(text), ["SELECT ';' AS x, 1", 'SELECT 2\n\n  FROM t']);
  });
});

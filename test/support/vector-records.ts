import type { OutputRecord } from '../../src/stream/record-batch-builder.js';

/** What the vectors hold: nulls, empties, a repeated header, a header without value, times out of order, a long value. */
export const VECTOR_RECORDS: OutputRecord[] = [
  {
    timestampMs: 1468244385000,
    key: Buffer.from('key'),
    value: Buffer.from('value'),
    headers: [
      { name: 'h', value: Buffer.from('1') },
      { name: 'ü', value: null },
      { name: 'h', value: Buffer.alloc(0) },
    ],
  },
  { timestampMs: 1468244384000, key: null, value: Buffer.alloc(0), headers: [] },
  { timestampMs: 1468244389000, key: Buffer.alloc(0), value: null, headers: [] },
  {
    timestampMs: 1468244385001,
    key: Buffer.from('long'),
    value: Buffer.from('0123456789abcdef'.repeat(50)),
    headers: [],
  },
];

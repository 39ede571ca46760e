import type { StateRecord as CoreRecord } from '../core/uniques-state.js';
import type { StateRecord } from './checkpoint-store.js';

/** The same bytes, not a copy of them. */
export const asBuffer = (bytes: Uint8Array): Buffer =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** State of the pure core, as a checkpoint keeps it. */
export const asStateRecords = (records: readonly CoreRecord[]): StateRecord[] =>
  records.map(({ key, value }) => ({ key, value: value && asBuffer(value) }));

import { createRequire } from 'node:module';
import type * as Zstd from '@bokuweb/zstd-wasm';
import type * as Lz4 from 'lz4-napi';
import type * as Snappy from 'snappy';

/**
 * Libraries in CommonJS. Imported, Node would first read the whole of their text to find out what they export, which takes
 * as much of a core as counting some 50,000 frames.
 */
const require = createRequire(import.meta.url);
/** Loaded when the first batch asks for them: most processes never see one. */
export const lz4 = () => require('lz4-napi') as typeof Lz4;
export const snappy = () => require('snappy') as typeof Snappy;
export const zstd = () => require('@bokuweb/zstd-wasm') as typeof Zstd;

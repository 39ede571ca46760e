import { decode as decodeMessagePack, encode as encodeMessagePack } from '@msgpack/msgpack';
import avro from 'avsc';
import protobuf from 'protobufjs';
import { FrameReader } from '../../src/core/frame-reader.js';
import { FrameScanner } from '../../src/core/frame-scanner.js';
import { FRAME_DEFAULTS, generateFrames } from '../../src/generate/frames.js';
import { spread, type Benchmark } from '../benchmark.js';

/** A frame's members beside ts and uid stay one object of strings, numbers and so on: what a schema says of them is `bytes`. */
interface Frame {
  readonly ts: number;
  readonly uid: string;
  readonly rest: Record<string, unknown>;
}

interface Format {
  readonly name: string;
  readonly bytesPerFrame: number;
  /** Reads ts and uid of every frame; the sum of the times is the proof. */
  readonly read: () => number;
}

const FRAMES = 20_000;

/**
 * The same frames of 2 kB in several formats: bytes, and how fast ts and uid are got at in one thread. In the formats with a
 * schema the other members are one opaque field, as their schema would skip them.
 */
export const benchmark: Benchmark = {
  about: 'frames as JSON, MessagePack, Avro, Protobuf and fixed columns: bytes, and frames/s to ts and uid',
  run({ scale, rounds = 5, log }) {
    const texts = framesOf(Math.round(FRAMES * scale));
    const frames = texts.map(toFrame);
    const formats = [
      scanned(texts),
      scannedInTypeScript(texts),
      parsed(texts),
      messagePack(frames),
      avroOf(frames),
      protobufOf(frames),
      columns(frames),
    ];
    const expected = frames.reduce((sum, { ts }) => sum + ts, 0);
    const rates = new Map<string, number[]>(formats.map(({ name }) => [name, []]));
    // A first round warms up and is not counted.
    for (let round = 0; round <= rounds; round++) {
      for (const { name, read } of formats) {
        const startedMs = performance.now();
        if (read() !== expected) throw new Error(`${name} reads other times`);
        if (round > 0)
          rates.get(name)!.push(Math.round((1_000 * frames.length) / (performance.now() - startedMs)));
      }
    }
    const measured = formats.map(({ name, bytesPerFrame }) => {
      const { median, min, max } = spread(rates.get(name)!);
      log(`${name}: ${Math.round(bytesPerFrame)} bytes a frame, ${Math.round(median)} frames/s`);
      return [name, { median, min, max, bytesPerFrame: Math.round(bytesPerFrame) }] as const;
    });
    const [[, ours] = measured[0]!, ...peers] = measured;
    const ratios = peers.map(
      ([name]) =>
        [name, spread(rates.get('json-scanned')!.map((rate, i) => rate / rates.get(name)![i]!))] as const,
    );
    return Promise.resolve({
      bench: 'frame-formats',
      unit: 'frames/s',
      ours,
      peers: Object.fromEntries(peers),
      ratios: Object.fromEntries(ratios),
    });
  },
};

function framesOf(count: number): Buffer[] {
  const lines: Buffer[] = [];
  for (const { bytes } of generateFrames({ ...FRAME_DEFAULTS, frames: count })) {
    for (let start = 0, end = bytes.indexOf(0x0a); end >= 0; end = bytes.indexOf(0x0a, start)) {
      lines.push(Buffer.from(bytes.subarray(start, end)));
      start = end + 1;
    }
  }
  return lines;
}

function toFrame(text: Buffer): Frame {
  const { ts, uid, ...rest } = JSON.parse(text.toString()) as { ts: number | string; uid: string };
  return { ts: Number(ts), uid, rest };
}

const mean = (buffers: readonly Uint8Array[]): number =>
  buffers.reduce((sum, { length }) => sum + length, 0) / buffers.length;

const total = <T>(items: readonly T[], tsOf: (item: T) => number): number => {
  let sum = 0;
  for (const item of items) sum += tsOf(item);
  return sum;
};

/** As the counter reads them: one after the other in the memory of its module. The hash of the user is included. */
function scanned(texts: readonly Buffer[]): Format {
  const reader = new FrameReader(
    undefined,
    texts.reduce((sum, { length }) => sum + length, 0),
  );
  const ends: number[] = [];
  for (const text of texts) {
    const start = ends.at(-1) ?? 0;
    reader.room.set(text, start);
    ends.push(start + text.length);
  }
  const read = (): number => {
    let start = 0;
    return total(ends, (end) => {
      reader.read(reader.room, start, end);
      start = end;
      return reader.atS;
    });
  };
  return { name: 'json-scanned', bytesPerFrame: mean(texts), read };
}

function scannedInTypeScript(texts: readonly Buffer[]): Format {
  const scanner = new FrameScanner();
  const read = (): number =>
    total(texts, (text) => {
      scanner.scan(text, 0, text.length);
      return scanner.tsSeconds;
    });
  return { name: 'json-scanned-typescript', bytesPerFrame: mean(texts), read };
}

const parsed = (texts: readonly Buffer[]): Format => ({
  name: 'json-parsed',
  bytesPerFrame: mean(texts),
  read: () => total(texts, (text) => Number((JSON.parse(text.toString()) as { ts: unknown }).ts)),
});

function messagePack(frames: readonly Frame[]): Format {
  const packed = frames.map(({ ts, uid, rest }) => encodeMessagePack({ ...rest, uid, ts }));
  const read = (): number => total(packed, (bytes) => (decodeMessagePack(bytes) as { ts: number }).ts);
  return { name: 'messagepack', bytesPerFrame: mean(packed), read };
}

function avroOf(frames: readonly Frame[]): Format {
  const type = avro.Type.forSchema({
    type: 'record',
    name: 'Frame',
    fields: [
      { name: 'ts', type: 'long' },
      { name: 'uid', type: 'string' },
      { name: 'rest', type: 'bytes' },
    ],
  });
  const packed = frames.map(({ ts, uid, rest }) =>
    type.toBuffer({ ts, uid, rest: Buffer.from(encodeMessagePack(rest)) }),
  );
  const read = (): number => total(packed, (bytes) => (type.fromBuffer(bytes) as { ts: number }).ts);
  return { name: 'avro', bytesPerFrame: mean(packed), read };
}

function protobufOf(frames: readonly Frame[]): Format {
  const { root } = protobuf.parse(
    'syntax = "proto3"; message Frame { uint32 ts = 1; string uid = 2; bytes rest = 3; }',
  );
  const type = root.lookupType('Frame');
  const packed = frames.map(({ ts, uid, rest }) =>
    type.encode({ ts, uid, rest: encodeMessagePack(rest) }).finish(),
  );
  const read = (): number => total(packed, (bytes) => (type.decode(bytes) as unknown as { ts: number }).ts);
  return { name: 'protobuf', bytesPerFrame: mean(packed), read };
}

/** Two columns: times of 4 bytes, ids of 8; what else a frame holds lies in other columns, unread. */
function columns(frames: readonly Frame[]): Format {
  const times = Uint32Array.from(frames, ({ ts }) => ts);
  const ids = BigUint64Array.from(frames, ({ uid }) => BigInt(`0x${uid}`));
  const read = (): number => {
    let sum = 0;
    let low = 0n;
    for (let i = 0; i < times.length; i++) {
      sum += times[i]!;
      low = ids[i]!;
    }
    return low === -1n ? 0 : sum;
  };
  return { name: 'columns', bytesPerFrame: 12, read };
}

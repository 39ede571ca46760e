/**
 * The header that says where a replayed record comes from. One compact value instead of four headers:
 * version (1 byte, 1), source topic id (16), partition (int32), offset (int64), job name (UTF-8, to the end).
 * The topic is named by its id: unique across clusters, and another one when a topic is deleted and created again.
 */
export const PROVENANCE_HEADER = 'tidemark';
const VERSION = 1;
const OFFSET_AT = 21;
const FIXED_BYTES = 29;

export interface Provenance {
  /** 32 hex digits. */
  readonly topicId: string;
  readonly partition: number;
  readonly offset: number;
  readonly job: string;
}

export function encodeProvenance({ topicId, partition, offset, job }: Provenance): Buffer {
  const jobBytes = Buffer.from(job, 'utf8');
  const value = Buffer.alloc(FIXED_BYTES + jobBytes.length);
  value[0] = VERSION;
  value.write(topicId, 1, 16, 'hex');
  value.writeInt32BE(partition, 17);
  setProvenanceOffset(value, 0, offset);
  jobBytes.copy(value, FIXED_BYTES);
  return value;
}

/** Writes the offset into an encoded value that starts at `start` of `bytes`: one template serves a whole partition. */
export function setProvenanceOffset(bytes: Buffer, start: number, offset: number): void {
  bytes.writeUInt32BE(Math.floor(offset / 2 ** 32), start + OFFSET_AT);
  bytes.writeUInt32BE(offset % 2 ** 32, start + OFFSET_AT + 4);
}

/** Undefined when the value is not one of ours (anybody may use the header's name). */
export function decodeProvenance(value: Buffer): Provenance | undefined {
  if (value.length < FIXED_BYTES || value[0] !== VERSION) return undefined;
  return {
    topicId: value.toString('hex', 1, 17),
    partition: value.readInt32BE(17),
    offset: Number(value.readBigInt64BE(OFFSET_AT)),
    job: value.toString('utf8', FIXED_BYTES),
  };
}

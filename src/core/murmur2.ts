/**
 * The hash by which Java's default partitioner spreads keys (org.apache.kafka.common.utils.Utils.murmur2), so that a key
 * lands where a Java producer would put it.
 */
export function murmur2(bytes: Uint8Array): number {
  const m = 0x5bd1e995;
  const length = bytes.length;
  let hash = 0x9747b28c ^ length;
  const whole = length - (length % 4);
  for (let at = 0; at < whole; at += 4) {
    let k =
      byte(bytes, at) |
      (byte(bytes, at + 1) << 8) |
      (byte(bytes, at + 2) << 16) |
      (byte(bytes, at + 3) << 24);
    k = Math.imul(k, m);
    k ^= k >>> 24;
    hash = Math.imul(hash, m) ^ Math.imul(k, m);
  }
  const rest = length - whole;
  if (rest === 3) hash ^= byte(bytes, whole + 2) << 16;
  if (rest >= 2) hash ^= byte(bytes, whole + 1) << 8;
  if (rest >= 1) hash = Math.imul(hash ^ byte(bytes, whole), m);
  hash ^= hash >>> 13;
  hash = Math.imul(hash, m);
  return hash ^ (hash >>> 15);
}

/** The partition a Java producer gives a key. */
export const partitionOfKey = (key: Uint8Array, partitions: number): number =>
  (murmur2(key) & 0x7fffffff) % partitions;

const byte = (bytes: Uint8Array, at: number): number => bytes[at] as number;

import { murmur2 } from './murmur2.js';

/** Parts of a job get partitions of the checkpoint topic side by side; jobs start where their name says. */
export const checkpointPartition = (job: string, part: number, partitions: number): number =>
  ((murmur2(new TextEncoder().encode(job)) >>> 0) + part) % partitions;

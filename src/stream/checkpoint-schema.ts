import { z } from 'zod';

const Offset = z.string().regex(/^\d+$/);
export const CheckpointSchema = z.object({
  version: z.literal(1),
  /** Per source partition the next offset to read. */
  next: z.record(z.string(), Offset),
  counts: z.record(z.string(), z.number()),
  gaps: z.array(z.object({ partition: z.int(), startOffset: Offset, endOffset: Offset, reason: z.string() })),
  finished: z.boolean(),
});

/** The durable progress of a slice. Counts are since the slice began. */
export type Checkpoint = z.infer<typeof CheckpointSchema>;

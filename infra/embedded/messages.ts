import { z } from 'zod';
import { SERVICE_NAMES } from './service.js';
import { PhaseSchema } from './state.js';

/** What a detached supervisor is told, as its one argument. */
export const OrderSchema = z.object({
  dataDir: z.string(),
  portBase: z.int(),
  cacheDir: z.string(),
  services: z.array(z.enum(SERVICE_NAMES)),
});
export type Order = z.infer<typeof OrderSchema>;

/** What it tells who started it, until it is up. */
export const NewsSchema = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('service'),
    name: z.enum(SERVICE_NAMES),
    phase: PhaseSchema,
    reason: z.string().optional(),
  }),
  z.object({ kind: z.literal('up') }),
  z.object({ kind: z.literal('failed'), code: z.string(), message: z.string() }),
]);
export type News = z.infer<typeof NewsSchema>;

import { z } from 'zod';
import type { Json, VerificationResult } from './messages.js';

/** The published shape of a verification's result: what `tidemark verify --json` prints and `GET /verify` answers. */

const VerdictSchema = z.enum(['Passed', 'Failed', 'Inconclusive']);
const Count = z.int().min(0);
const JsonSchema: z.ZodType<Json> = z.json();

const CheckResultSchema = z.strictObject({
  check: z.string().min(1).describe('name of the check, as --only and --skip take it'),
  hop: z.string().min(1).describe('the system, or the step between two, that the finding is about'),
  verdict: VerdictSchema,
  summary: z.string().describe('one line'),
  evidence: z
    .record(z.string(), JsonSchema)
    .describe('names, counts and positions; its members are the check’s own'),
  next: z.string().exactOptional().describe('the next thing to do, where there is one'),
  attempts: z.int().min(1),
  durationMs: z.number().min(0).describe('of all attempts, with the pauses between them'),
});

export const VerificationResultSchema = z
  .strictObject({
    verdict: VerdictSchema,
    summary: z.string().describe('one line: the verdict, counts, and the hops that did not pass'),
    checks: z.array(CheckResultSchema).min(1),
    workflowId: z.string().describe('of Temporal; empty when the workflow could not be started'),
    runId: z.string(),
    requestedBy: z.string(),
    codeVersion: z.string(),
    startedAtMs: Count.describe('epoch ms'),
    finishedAtMs: Count.describe('epoch ms'),
    failureLimit: Count,
    errorLimit: Count,
    recorded: z.boolean().describe('whether ops_verifications is known to hold the result'),
  })
  .meta({ title: 'Result of verifying a Tidemark deployment' }) satisfies z.ZodType<VerificationResult>;

/** JSON Schema (draft 2020-12), kept as docs/verification.schema.json. */
export const verificationJsonSchema = (): object => z.toJSONSchema(VerificationResultSchema);

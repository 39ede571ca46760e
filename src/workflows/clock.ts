/**
 * The workflow's own clock: the SDK puts a deterministic Date into the sandbox, which stands still within a workflow
 * task and reads the same when history is replayed.
 */
// eslint-disable-next-line no-restricted-properties
export const nowMs = (): number => Date.now();

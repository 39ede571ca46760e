import { hostname } from 'node:os';
import type { QueueProbe } from '../messages.js';

export type ProbeActivities = ReturnType<typeof createProbeActivities>;

/** Every worker has this one: that it answers is the proof that its task queue is served. */
export function createProbeActivities({ codeVersion }: { readonly codeVersion: string }) {
  return {
    answerProbe: (): Promise<NonNullable<QueueProbe['answeredBy']>> =>
      Promise.resolve({ pid: process.pid, host: hostname(), codeVersion }),
  };
}

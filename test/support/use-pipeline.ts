import { CheckRunner } from './checks.js';
import { connectPipeline, PIPELINE_SERVICES, type Pipeline } from './pipeline.js';
import { useStack } from './stack.js';

export interface CheckedPipeline extends Pipeline {
  readonly checks: CheckRunner;
}

/** A provisioned pipeline for the enclosing suite, with who checks it; shared by the suites that leave its content right. */
export function useCheckedPipeline(): () => CheckedPipeline {
  const stack = useStack(PIPELINE_SERVICES, { provisioned: true });
  let pipeline: CheckedPipeline | undefined;
  before(async () => {
    const opened = await connectPipeline(stack());
    pipeline = { ...opened, checks: await CheckRunner.open(stack().config) };
  });
  after(async () => {
    await pipeline?.checks.close();
    await pipeline?.close();
  });
  return () => {
    if (pipeline === undefined) throw new Error('using a pipeline before its suite has begun');
    return pipeline;
  };
}

import type { QueryDefinition, Workflow, WorkflowResultType } from '@temporalio/common';
import type { WorkflowHandle } from '@temporalio/client';

const ASK_EVERY_MS = 500;

/** The workflow's result; meanwhile tells now and then, where somebody listens, what its query `progress` answers. */
export async function watched<W extends Workflow, Progress>(
  handle: WorkflowHandle<W>,
  progress: QueryDefinition<Progress>,
  onProgress: ((progress: Progress) => void) | undefined,
): Promise<WorkflowResultType<W>> {
  if (onProgress === undefined) return handle.result();
  let isOver = false;
  const tell = (news: Progress): void => {
    if (!isOver) onProgress(news);
  };
  const asking = setInterval(() => {
    // One that is not told is none missed: the run may just have ended, or a worker be busy.
    handle.query(progress).then(tell, () => undefined);
  }, ASK_EVERY_MS);
  try {
    return await handle.result();
  } finally {
    isOver = true;
    clearInterval(asking);
  }
}

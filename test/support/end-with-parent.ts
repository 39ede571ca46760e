import type { ChildProcess } from 'node:child_process';

/** Ends a child with SIGKILL when this process ends, whichever way it does but by SIGKILL itself. */
export function endWithParent(child: ChildProcess): void {
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.off('exit', end));
}

import { SingleBar } from 'cli-progress';
import type { GoldBackfillProgress } from '../messages.js';
import { backfillBarText } from './gold-backfill-text.js';

const FORMAT = '{step} {bar} {days} {detail}';

export interface BackfillBar {
  readonly show: (progress: GoldBackfillProgress) => void;
  readonly end: () => void;
}

/** The progress of a backfill on a terminal. */
export function openBackfillBar(stream: NodeJS.WritableStream): BackfillBar {
  const bar = new SingleBar({ format: FORMAT, stream, hideCursor: true, autopadding: false });
  bar.start(1, 0, { step: 'starting', days: '', detail: '' });
  return {
    show: (progress) => {
      const { done, total, ...text } = backfillBarText(progress, Date.now());
      bar.setTotal(Math.max(1, total));
      bar.update(done, text);
    },
    end: () => bar.stop(),
  };
}

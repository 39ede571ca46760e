import { kindOf, settle, type Difference, type Observation } from '../../core/difference.js';
import type { ContentTable, Progress } from './content-table.js';

/** Positions awaited for a key that is changed without pause, before it is let go as in motion. */
const MAX_ROUNDS = 3;

export interface Reconciliation {
  /** Version of the source's position before anything was compared: what was committed by then is in silver, but for `wrong`. */
  readonly position: string;
  /** Rows of the source. */
  readonly rows: number;
  readonly chunks: number;
  readonly differingChunks: number;
  /** Rows of the source that silver can hold none of. */
  readonly unplaced: number;
  /** Keys that differed in the first comparison. */
  readonly suspects: number;
  /** Keys that silver changed between any two looks, so that none shows it wrong. */
  readonly inMotion: number;
  readonly wrong: readonly Difference[];
  /** There are more than were looked at. */
  readonly cutShort: boolean;
  /** Source positions that silver was awaited to pass. */
  readonly rounds: number;
}

/**
 * Compares a table with its source. Only what is wrong for sure counts (core/difference.ts).
 * @throws PipelineError `SILVER_BEHIND` when silver does not pass the position by which suspects are decided.
 */
export async function reconcile(table: ContentTable, hold: Progress): Promise<Reconciliation> {
  const { version } = await table.position();
  const { keys, ...found } = await table.findSuspects();
  return { ...found, position: version, suspects: keys.length, ...(await confirm(table, keys, hold)) };
}

/** Which of some keys are wrong for sure. */
export async function confirm(
  table: ContentTable,
  keys: readonly string[],
  { signal, progress }: Progress,
): Promise<Pick<Reconciliation, 'wrong' | 'inMotion' | 'rounds'>> {
  const wrong: Difference[] = [];
  let open = differing(await table.observe(keys));
  let rounds = 0;
  while (open.size > 0 && rounds < MAX_ROUNDS) {
    signal.throwIfAborted();
    rounds += 1;
    progress(`waiting for silver to pass the source's position, ${open.size} keys differ`);
    const position = await table.position();
    await position.passed();
    const settled = settle(open, await table.observe([...open.keys()]));
    wrong.push(...settled.wrong);
    open = differing(settled.moving);
  }
  return { wrong, inMotion: open.size, rounds };
}

const differing = (observations: readonly Observation[]): Map<string, Observation> =>
  new Map(
    observations.filter((one) => kindOf(one) !== 'equal').map((one): [string, Observation] => [one.key, one]),
  );

import type { Observation } from '../../core/difference.js';
import type { Suspects } from './find-suspects.js';
import type { SourcePosition } from './position.js';

/** A table of silver and its source, as a reconciliation sees them. */
export interface ContentTable {
  readonly table: 'users' | 'events';
  /** The source's position now. */
  position(): Promise<SourcePosition>;
  /** One comparison of everything. */
  findSuspects(): Promise<Suspects>;
  /** What both stores say of some keys: silver is asked first, the source after it. Keys that neither has are left out. */
  observe(keys: readonly string[]): Promise<Observation[]>;
  /** Writes what the source holds of some keys. */
  repair(keys: readonly string[]): Promise<Repaired>;
}

/** What a reconciliation has to hold on to while it runs. */
export interface Progress {
  readonly signal: AbortSignal;
  readonly progress: (step: string) => void;
}

export interface ContentLimits {
  /** How long silver may take to pass a position, ms. */
  readonly patienceMs: number;
  /** Differing keys that are looked at, each; further ones are not. */
  readonly maxSuspects: number;
}

/** What a repair has done. */
export interface Repaired {
  /** Under which version: the source's position at which it was read. */
  readonly version: string;
  readonly written: number;
  readonly deleted: number;
  /** Rows of silver above every position of the source: no message can have made them, and none would ever win over them. */
  readonly removed: number;
}

/** A fault that was injected while there was work in flight. */
export interface Fault {
  /** Since the run began. */
  readonly atMs: number;
  readonly target: string;
  readonly action: string;
}

/** What every chaos run ends with. A run may say more about itself. */
export interface ChaosReport {
  readonly chaos: string;
  readonly seed: number;
  readonly faults: readonly Fault[];
  /** Records by the exact answer, and as they were found. */
  readonly expected: number;
  readonly found: number;
  readonly lost: number;
  readonly doubled: number;
  readonly different: number;
  readonly ok: boolean;
}

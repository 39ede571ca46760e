import { covers, laterPositions, type KafkaPositions } from './barrier.js';

/**
 * Who is answered by which computation of a day: one that was read after he asked. Whoever joins a day under way may have
 * seen changes that its gate was passed before. Pure decisions.
 */

interface Passed {
  readonly complete: boolean;
  readonly positions: KafkaPositions;
}

/** What a caller asked for. */
export interface HeardRequest {
  readonly force: boolean;
  /** The barrier that he passed himself; undefined: the day's own gate is to wait for all that is committed now. */
  readonly barrier: Passed | undefined;
  /** The workflow task in which it was heard, as the length of the history then: it grows from task to task. */
  readonly heardIn: number;
}

/** One pass over a day: its gate, then its computation. What a task asks for is not begun before the task has ended. */
export interface DayPass {
  /** The task in which the sources' positions were asked for; null where barriers were brought along. */
  readonly gateIn: number | null;
  /** Not complete: a gate that was given up as somebody forced the day. */
  readonly barrier: Passed;
  readonly forced: boolean;
  /** The task in which the computation was asked for. */
  readonly computedIn: number;
}

/** What a pass leaves of a request; null: it is answered. */
export function unanswered(request: HeardRequest, pass: DayPass): HeardRequest | null {
  const force = request.force && !(pass.forced && request.heardIn <= pass.computedIn);
  if (!force && isReadFor(request, pass)) return null;
  return { ...request, force };
}

/** Whether the computation read all that the request is about. Who waited at a gate that was given up takes what there is. */
function isReadFor({ barrier, heardIn }: HeardRequest, pass: DayPass): boolean {
  if (barrier !== undefined)
    return (pass.barrier.complete || !barrier.complete) && covers(pass.barrier.positions, barrier.positions);
  if (!pass.barrier.complete) return heardIn <= pass.computedIn;
  return pass.gateIn !== null && heardIn <= pass.gateIn;
}

/** One barrier for all who brought theirs along; undefined where somebody did not. Silver holds all below each, so all below the latest. */
export function broughtBarrier(requests: readonly HeardRequest[]): Passed | undefined {
  let all: Passed = { complete: true, positions: {} };
  for (const { barrier } of requests) {
    if (barrier === undefined) return undefined;
    all = {
      complete: all.complete && barrier.complete,
      positions: laterPositions(all.positions, barrier.positions),
    };
  }
  return all;
}

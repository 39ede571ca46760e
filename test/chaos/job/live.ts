import assert from 'node:assert/strict';
import { setTimeout as delay } from 'node:timers/promises';
import { Random } from '../../../src/generate/random.js';
import type { Fault } from '../report.js';
import { rounds } from '../rounds.js';
import { COMMIT_POINTS, MOST_DELAY_MS, Part } from './part.js';
import type { Victim } from './run.js';

/** A live job: every slice, and the merge stage beside them, in a process of its own, until it is ended. */
export class LiveRun {
  readonly #parts: readonly Part[];
  readonly #random: Random;
  readonly #victims: Iterator<Part, never>;
  readonly #points: Iterator<string, never>;
  readonly #startedAt = performance.now();

  constructor({ kafka, job }: Pick<Victim, 'kafka' | 'job'>, seed: number) {
    const names = [...job.plan.slices.map(({ index }) => index), 'merge' as const];
    this.#parts = names.map((part) => new Part({ kafka, job, part, ends: null }));
    this.#random = Random.of(seed, 8);
    this.#victims = rounds(this.#random, this.#parts);
    this.#points = rounds(this.#random, COMMIT_POINTS);
  }

  /**
   * Kills a part, each in its turn, at a seeded moment of a commit, and resolves when it has taken over from itself. It listens from now on:
   * a part that has nothing to commit is not killed.
   */
  async strike(): Promise<Fault> {
    const part = this.#victims.next().value;
    const point = this.#points.next().value;
    const pauseMs = this.#random.int(0, MOST_DELAY_MS);
    do {
      await this.#says(part, point);
      await delay(pauseMs);
    } while (!part.kill());
    const atMs = Math.round(performance.now() - this.#startedAt);
    await this.#says(part, 'InitProducerId');
    return { atMs, target: `part ${part.name}`, action: `SIGKILL ${pauseMs} ms after ${point}` };
  }

  async #says(part: Part, point: string): Promise<void> {
    assert.ok(await part.says(point), `part ${part.name} of a live job has finished`);
  }

  async end(): Promise<void> {
    await Promise.all(this.#parts.map((part) => part.retire()));
  }
}

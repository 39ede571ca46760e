import { SingleBar, Presets } from 'cli-progress';
import type { Source } from '../generate/run.js';

/** How often a line is printed where no terminal can show a bar. */
const LINE_EVERY_MS = 5_000;

/** Progress on stderr, so that stdout holds the result only: a bar on terminals, a line now and then elsewhere. */
export class GenerateProgress {
  readonly #bars = new Map<Source, SingleBar>();
  readonly #lastLineMs = new Map<Source, number>();
  readonly #startedMs = performance.now();

  readonly show = (source: Source, written: number, planned: number | undefined): void => {
    if (process.stderr.isTTY && planned !== undefined) this.#bar(source, planned).update(written);
    else this.#line(source, written, planned);
  };

  end(): void {
    for (const bar of this.#bars.values()) bar.stop();
    this.#bars.clear();
  }

  #bar(source: Source, planned: number): SingleBar {
    const shown = this.#bars.get(source);
    if (shown !== undefined) return shown;
    // The bar of the source before this one is complete; two live ones would draw over each other.
    this.end();
    const format = `${source} {bar} {percentage}% | {value}/{total} | ETA {eta_formatted}`;
    const bar = new SingleBar({ format, stream: process.stderr, hideCursor: true }, Presets.shades_classic);
    bar.start(planned, 0);
    this.#bars.set(source, bar);
    return bar;
  }

  #line(source: Source, written: number, planned: number | undefined): void {
    const nowMs = performance.now();
    if (nowMs - (this.#lastLineMs.get(source) ?? this.#startedMs) < LINE_EVERY_MS) return;
    this.#lastLineMs.set(source, nowMs);
    const of = planned === undefined ? '' : ` of ${planned} (${Math.floor((written / planned) * 100)} %)`;
    console.error(`generating ${source}: ${written}${of} operations`);
  }
}

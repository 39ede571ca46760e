import { hash64 } from '../../../src/core/hash64.js';
import type { ScannedLines } from '../../../src/core/scanned-lines.js';

type Line = [number: number, text: string, outcome: string];

/** Collects lines that are not blank, numbered from 1, and what was read of them. */
export class LineCollector {
  readonly lines: Line[] = [];
  #number = 1;

  take(lines: ScannedLines): void {
    for (let i = 0; i < lines.count; i++, this.#number++) {
      const fault = lines.line(i);
      if (fault === 'blank') continue;
      const outcome = fault ?? `${lines.atS} ${lines.present} ${[...lines.hashes].join(' ')}`;
      this.lines.push([this.#number, Buffer.from(lines.bytes()).toString(), outcome]);
    }
  }
}

/** The same by `split` and JSON.parse. */
export const expectedLines = (lines: readonly string[]): Line[] =>
  lines
    .map((text, i): Line => [i + 1, text, outcomeOf(text)])
    .filter(([, text]) => text !== '' && text !== '\r');

function outcomeOf(text: string): string {
  let frame: unknown;
  try {
    frame = JSON.parse(text);
  } catch {
    return 'malformed';
  }
  if (typeof frame !== 'object' || frame === null) return 'malformed';
  const { ts, uid } = frame as { ts?: number; uid?: string | number };
  if (ts === undefined) return 'no-ts';
  const id = Buffer.from(String(uid));
  const hash = new Uint32Array(4);
  hash64(id, 0, id.length, hash);
  return `${ts} 1 ${new Int32Array(hash.buffer, 0, 2).join(' ')}`;
}

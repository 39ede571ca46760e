import { createWriteStream } from 'node:fs';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { createGzip } from 'node:zlib';
import type { Command } from 'commander';
import { parseDay } from '../core/day.js';
import { generateInteractions } from '../generate/interactions.js';
import { wholeAboveZero } from './numbers.js';

interface InteractionFlags {
  readonly seed: number;
  readonly records: number;
  readonly day: string;
  readonly out: string;
}

/** Joins the command `generate`, or begins it. */
export function addGenerateInteractions(program: Command): void {
  const generate =
    program.commands.find((command) => command.name() === 'generate') ?? program.command('generate');
  generate
    .command('interactions')
    .description('write a day of interactions, 10:00-16:45 UTC: out of order, some twice, a few malformed')
    .requiredOption('--out <file>', '.json (an array) or .jsonl, gzip with .gz')
    .option('--day <date>', 'UTC day', '2026-11-20')
    .option('--records <n>', 'how many', wholeAboveZero, 30_000)
    .option('--seed <n>', 'the same seed and options give the same records', wholeAboveZero, 1)
    .action(async ({ seed, records, day, out }: InteractionFlags) => {
      const dayMs = Date.parse(`${parseDay(day)}T00:00:00Z`);
      const isArray = /\.json(\.gz)?$/.test(out);
      const text = Readable.from(textOf(generateInteractions({ seed, dayMs, records }), isArray));
      const file = createWriteStream(out);
      await (out.endsWith('.gz') ? pipeline(text, createGzip(), file) : pipeline(text, file));
      console.error(`${records} interactions of ${day} written to ${out}`);
    });
}

function* textOf(interactions: Iterable<string>, isArray: boolean): Generator<string> {
  let between = isArray ? '[\n' : '';
  for (const interaction of interactions) {
    yield `${between}${interaction}`;
    between = isArray ? ',\n' : '\n';
  }
  yield isArray ? '\n]\n' : '\n';
}

import { createColors } from 'picocolors';

/** Colours on terminals only, and not under NO_COLOR. The library alone would colour the logs of a CI, too. */
const coloursFor = (stream: NodeJS.WriteStream) =>
  createColors(stream.isTTY && (process.env.NO_COLOR ?? '') === '');

export const colours = coloursFor(process.stdout);
export const errorColours = coloursFor(process.stderr);

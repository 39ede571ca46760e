import { createColors } from 'picocolors';

/** Colours on terminals only (elsewhere `isTTY` is undefined), and not under NO_COLOR. The library alone would colour a CI. */
const coloursFor = (stream: NodeJS.WriteStream) =>
  createColors(stream.isTTY === true && (process.env.NO_COLOR ?? '') === '');

export const colours = coloursFor(process.stdout);
export const errorColours = coloursFor(process.stderr);

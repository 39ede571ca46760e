import { closeSync, fstatSync, openSync, readdirSync, readSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { logFile } from '../../infra/embedded/state.js';

/** Of a log, as much as is looked at: its end. */
const TAIL_BYTES = 64 << 10;
/** Enough to tell what it was about. */
const LINE_CHARS = 240;
const COMPLAINS = /\b(ERROR|FATAL|WARN|Error|Caused by|[A-Za-z]+Exception:)/;

/** The last line of each service's log in which it complains, for who has to say why a test failed when its stack is gone. */
export function complaintsOf(dataDir: string): string[] {
  const folder = dirname(logFile(dataDir, 'kafka'));
  return readdirSync(folder).flatMap((name) => {
    const last = endOf(join(folder, name))
      .split('\n')
      .findLast((line) => COMPLAINS.test(line));
    return last === undefined ? [] : [`${name}: ${last.trim().slice(0, LINE_CHARS)}`];
  });
}

function endOf(file: string): string {
  const fd = openSync(file, 'r');
  try {
    const { size } = fstatSync(fd);
    const bytes = Buffer.alloc(Math.min(size, TAIL_BYTES));
    readSync(fd, bytes, 0, bytes.length, size - bytes.length);
    return bytes.toString('utf8');
  } finally {
    closeSync(fd);
  }
}

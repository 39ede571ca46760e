/** `node --import say-at-exit.js ...`: the last line of any program's output is what it used. */
import { writeSync } from 'node:fs';
import { ownUsage } from './say-usage.js';

process.on('exit', () => writeSync(1, `${JSON.stringify(ownUsage())}\n`));

import type { Command } from 'commander';
import { bringDown } from '../../infra/embedded/detached.js';
import { dataDirectory } from '../config.js';

export function addDown(program: Command): void {
  program
    .command('down')
    .description('stop the embedded stack, and whatever a killed one has left running; the data stays')
    .action(async (_options, command: Command) => {
      const dataDir = dataDirectory(command.optsWithGlobals<{ dataDir?: string }>().dataDir, process.env);
      const { wasUp, leftovers } = await bringDown(dataDir);
      if (leftovers.length > 0)
        console.log(`Ended what a killed stack had left running: ${leftovers.join(', ')}.`);
      else if (wasUp) console.log(`The stack in ${dataDir} is down; its data stays there.`);
      else console.log(`No stack was up in ${dataDir}.`);
    });
}

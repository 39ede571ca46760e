import type { Command } from 'commander';
import { Tidemark } from '../client.js';
import { dataDirectory, loadConfig } from '../config.js';

/** A client of the stack that the command line names, closed afterwards. */
export async function withTidemark(
  program: Command,
  use: (tidemark: Tidemark) => Promise<void>,
): Promise<void> {
  const { dataDir } = program.opts<{ dataDir?: string }>();
  const tidemark = new Tidemark(loadConfig(dataDirectory(dataDir, process.env), process.env));
  try {
    await use(tidemark);
  } finally {
    await tidemark.close();
  }
}

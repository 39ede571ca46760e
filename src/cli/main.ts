#!/usr/bin/env node
import '../compile-later.js';
import { Command } from 'commander';
import { errorColours } from './colours.js';
import { packageVersion } from '../package-root.js';
import { reportFailure } from './report-failure.js';

const program = new Command('tidemark')
  .description('Durable, exact jobs around PostgreSQL + MongoDB -> Debezium -> Kafka -> ClickHouse')
  .option(
    '--data-dir <path>',
    'where a stack keeps its data, logs and passwords (default: ~/.local/share/tidemark)',
  )
  .version(packageVersion())
  .configureOutput({ outputError: (text, write) => write(usageFault(text)) })
  .configureHelp({ showGlobalOptions: true });

/** One line, also where commander adds a suggestion on a second. */
function usageFault(text: string): string {
  const fault = text
    .trim()
    .replace(/^error: /, '')
    .replaceAll(/\s*\n\s*/g, ' ');
  return `${errorColours.red('tidemark:')} ${fault} (--help shows what there is)\n`;
}

/** One file per verb: each adds its commands to the program. It is loaded when its verb is given: a count of a file needs no client. */
const verbs: Record<string, (words: readonly string[]) => Promise<void>> = {
  generate: async (words) => {
    // Frames by the million: what the others load, names above all, would be walked over by every garbage collection.
    if (words[words.indexOf('generate') + 1] === 'frames') {
      (await import('./generate-frames.js')).addGenerateFrames(program);
      return;
    }
    (await import('./generate.js')).addGenerate(program);
    (await import('./generate-frames.js')).addGenerateFrames(program);
    (await import('./generate-interactions.js')).addGenerateInteractions(program);
    (await import('./generate-logins.js')).addGenerateLogins(program);
  },
  clean: async () => (await import('./clean.js')).addClean(program),
  count: async (words) => (await import('./count.js')).addCount(program, words),
  migrate: async () => (await import('./migrate.js')).addMigrate(program),
  up: async () => (await import('./up.js')).addUp(program),
  down: async () => (await import('./down.js')).addDown(program),
  status: async () => (await import('./status.js')).addStatus(program),
  gold: async () => (await import('./gold.js')).addGold(program),
  demo: async () => (await import('./demo.js')).addDemo(program),
  load: async () => (await import('./load.js')).addLoad(program),
  sql: async () => (await import('./sql.js')).addSql(program),
  schedule: async () => (await import('./schedule.js')).addSchedule(program),
  verify: async () => (await import('./verify.js')).addVerify(program),
  dlq: async () => (await import('./dlq.js')).addDlq(program),
  replay: async () => (await import('./replay.js')).addReplay(program),
};

/** The verbs the command line may mean; all of them for help and for a verb there is not, none for the version. */
async function addVerbs(words: readonly string[]): Promise<void> {
  if (words.length === 1 && ['-V', '--version'].includes(words[0]!)) return;
  const named = Object.keys(verbs).filter((verb) => words.includes(verb));
  for (const verb of named.length > 0 ? named : Object.keys(verbs)) await verbs[verb]!(words);
}

process.once('uncaughtException', (error) => {
  reportFailure(error);
  process.exit();
});
addVerbs(process.argv.slice(2))
  .then(() => program.parseAsync())
  .catch(reportFailure);

#!/usr/bin/env node
import { Command } from 'commander';
import { addCount } from './count.js';
import { addDown } from './down.js';
import { addGenerateFrames } from './generate-frames.js';
import { addGenerate } from './generate.js';
import { addGold } from './gold.js';
import { addMigrate } from './migrate.js';
import { addStatus } from './status.js';
import { addUp } from './up.js';
import { reportFailure } from './report-failure.js';

const program = new Command('tidemark')
  .description('Durable, exact jobs around PostgreSQL + MongoDB -> Debezium -> Kafka -> ClickHouse')
  .option(
    '--data-dir <path>',
    'where a stack keeps its data, logs and passwords (default: ~/.local/share/tidemark)',
  )
  .showHelpAfterError('(tidemark --help shows what there is)')
  .configureHelp({ showGlobalOptions: true });

// One file per verb: each adds its commands to the program.
addGenerate(program);
addCount(program);
// After addGenerate, whose command it joins.
addGenerateFrames(program);
addMigrate(program);
addUp(program);
addDown(program);
addStatus(program);
addGold(program);

program.parseAsync().catch(reportFailure);

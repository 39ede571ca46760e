import { existsSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { execa } from 'execa';
import { PipelineError } from '../../src/core/errors.js';
import type { ComponentName } from './components.js';
import { configOf } from './context.js';
import { findFreeBase, portsFrom } from './ports.js';
import { loadSecrets } from './secrets.js';
import type { Service, StackContext } from './service.js';
import { connect } from './services/connect.js';
import { archiveFile } from './services/java.js';
import { kafka } from './services/kafka.js';

/** Away from every stack's ports. */
const TRAINING_PORTS = { from: 17_000, until: 18_900 };
const START_LIMIT_MS = 300_000;
/** From the order to end, past the writing of the archive, to the end. */
const END_LIMIT_MS = 180_000;

/** Starts a broker and a Connect worker once, on data of their own, and has Java write down the classes they load. */
export async function trainClassArchives(
  folder: string,
  others: (name: ComponentName) => string,
): Promise<void> {
  const dataDir = join(folder, 'training');
  const ports = portsFrom(await findFreeBase(TRAINING_PORTS.from, TRAINING_PORTS.until));
  const secrets = loadSecrets(dataDir);
  const context: StackContext = {
    dataDir,
    ports,
    secrets,
    config: configOf(ports, secrets),
    component: (name) => (name === 'class-archives' ? folder : others(name)),
    writesArchives: true,
  };
  await train(kafka, context, () => train(connect, context, () => Promise.resolve()));
  rmSync(dataDir, { recursive: true });
}

/** Runs a service, does `meanwhile` once it answers, and waits for its orderly end, at which the archive is written. */
async function train(service: Service, context: StackContext, meanwhile: () => Promise<void>): Promise<void> {
  await service.prepare(context);
  const { command, args } = await service.launch(context);
  // Not detached: who interrupts the install in a terminal ends the training with it.
  const running = execa(command, args, {
    all: true,
    reject: false,
    stdin: 'ignore',
    maxBuffer: 10_000_000,
    // Writing the archive takes longer than the 5 s after which execa would end it by force.
    forceKillAfterDelay: END_LIMIT_MS,
  });
  const stop = (): void => void running.kill('SIGKILL');
  process.once('exit', stop);
  try {
    await answering(service, context, running.pid ?? 0, () => running.exitCode !== null);
    await meanwhile();
    running.kill('SIGTERM');
    await running;
  } finally {
    process.off('exit', stop);
    running.kill('SIGKILL');
    await running;
  }
  if (existsSync(archiveFile(context, service.name))) return;
  // A Java without class data sharing: the service starts as ever, only slower.
  const { all } = await running;
  writeFileSync(`${archiveFile(context, service.name)}.missing`, all);
}

async function answering(
  service: Service,
  context: StackContext,
  pid: number,
  ended: () => boolean,
): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    try {
      return await service.ask(context, pid);
    } catch (cause) {
      if (ended() || performance.now() > deadline) {
        throw new PipelineError('INSTALL_FAILED', `training ${service.title}: it does not start`, { cause });
      }
    }
    await pause(200);
  }
}

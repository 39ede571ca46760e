import { Listr } from 'listr2';
import { COMPONENTS, type ComponentName } from '../../infra/embedded/components.js';
import { installComponent } from '../../infra/embedded/install.js';
import type { News } from '../../infra/embedded/messages.js';
import type { ServiceName } from '../../infra/embedded/service.js';
import { SERVICES } from '../../infra/embedded/services/index.js';

/** Fetches and installs components, two at a time: the registries are the narrow place, not we. */
export async function showInstalling(cacheDir: string, names: readonly ComponentName[]): Promise<void> {
  if (names.length === 0) return;
  const tasks = names.map((name) => ({
    title: `installing ${COMPONENTS[name].title}`,
    task: async () => {
      await installComponent(cacheDir, name);
    },
  }));
  await new Listr(tasks, { concurrent: 2, fallbackRenderer: 'simple' }).run();
}

interface Line {
  readonly done: Promise<void>;
  settle(): void;
  fail(reason: string): void;
}

/** Services coming up, as their supervisor tells. */
export class ServiceBoard {
  private readonly lines = new Map<ServiceName, Line>();
  private readonly shown: Promise<unknown>;

  constructor(names: readonly ServiceName[]) {
    for (const name of names) this.lines.set(name, newLine());
    const tasks = [...this.lines].map(([name, line]) => ({
      title: `starting ${SERVICES[name].title}`,
      task: () => line.done,
    }));
    // A live list on terminals, one plain line per step elsewhere.
    this.shown = new Listr(tasks, { concurrent: true, fallbackRenderer: 'simple' })
      .run()
      .catch(() => undefined);
  }

  hear(news: News): void {
    if (news.kind === 'service') {
      if (news.phase === 'ready') this.lines.get(news.name)?.settle();
      if (news.phase === 'failed') this.lines.get(news.name)?.fail(news.reason ?? 'failed');
      if (news.phase === 'stopped') this.lines.get(news.name)?.fail('stopped');
    }
    if (news.kind === 'failed') this.end();
  }

  /** Ends the lines that will not be heard of any more, and waits until all is drawn. */
  async close(): Promise<void> {
    this.end();
    await this.shown;
  }

  private end(): void {
    for (const line of this.lines.values()) line.fail('not started');
  }
}

function newLine(): Line {
  let settle: () => void = () => undefined;
  let fail: (reason: string) => void = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = resolve;
    fail = (reason) => reject(new Error(reason));
  });
  return { done, settle, fail };
}

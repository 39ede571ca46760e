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

/** Services coming up, as their supervisor tells, and the work that goes on beside. Shows nothing before the first does. */
export class ServiceBoard {
  private readonly lines = new Map<ServiceName, Line>();
  private readonly besides: Line | undefined;
  private readonly tasks: { title: string; task: () => Promise<void> }[];
  private shown: Promise<unknown> | undefined;

  constructor(
    names: readonly ServiceName[],
    beside?: { readonly title: string; readonly work: Promise<void> },
  ) {
    for (const name of names) this.lines.set(name, newLine());
    this.tasks = [...this.lines].map(([name, line]) => ({
      title: `starting ${SERVICES[name].title}`,
      task: () => line.done,
    }));
    if (beside === undefined) return;
    const line = newLine();
    beside.work.then(
      () => line.settle(),
      () => line.fail('failed'),
    );
    this.tasks.push({ title: beside.title, task: () => line.done });
    this.besides = line;
  }

  hear(news: News): void {
    // A supervisor that starts nothing still says that all of it is stopped.
    if (news.kind !== 'service' || (news.phase === 'stopped' && this.shown === undefined)) return;
    this.begin();
    if (news.phase === 'ready') this.lines.get(news.name)?.settle();
    if (news.phase === 'failed') this.lines.get(news.name)?.fail(news.reason ?? 'failed');
    if (news.phase === 'stopped') this.lines.get(news.name)?.fail('stopped');
  }

  /** Ends the lines that will not be heard of any more, and waits until all is drawn. */
  async close(): Promise<void> {
    for (const line of this.lines.values()) line.fail('not started');
    this.besides?.fail('not done');
    await this.shown;
  }

  private begin(): void {
    // A live list on terminals, one plain line per step elsewhere.
    this.shown ??= new Listr(this.tasks, { concurrent: true, fallbackRenderer: 'simple' })
      .run()
      .catch(() => undefined);
  }
}

function newLine(): Line {
  let settle: () => void = () => undefined;
  let fail: (reason: string) => void = () => undefined;
  const done = new Promise<void>((resolve, reject) => {
    settle = resolve;
    fail = (reason) => reject(new Error(reason));
  });
  // Not an unhandled one where the line is never shown.
  done.catch(() => undefined);
  return { done, settle, fail };
}

import type { News, Order } from '../../infra/embedded/messages.js';
import type { ServiceName } from '../../infra/embedded/service.js';
import { loadConfig } from '../config.js';
import { provision } from '../provision.js';
import { ServiceBoard } from './progress.js';

/** The services whose data provisioning connects; with fewer there is nothing to provision. */
const PIPELINE: readonly ServiceName[] = ['kafka', 'connect', 'postgres', 'mongo', 'clickhouse'];

export const isPipeline = (services: readonly ServiceName[]): boolean =>
  PIPELINE.every((name) => services.includes(name));

/** A stack on its way up: shows how far it is, and provisions it as soon as it can be, while the workers start. */
export class Launch {
  private readonly board: ServiceBoard;
  private readonly awaited = new Set(PIPELINE);
  private readonly provisioned: Promise<void>;
  private readonly reports: string[] = [];
  private begin: () => void = () => undefined;

  constructor({ dataDir, services }: Order) {
    const ready = new Promise<void>((resolve) => (this.begin = resolve));
    if (!isPipeline(services)) {
      this.provisioned = Promise.resolve();
      this.board = new ServiceBoard(services);
      return;
    }
    // This stack, whatever TIDEMARK_CONFIG may name.
    this.provisioned = ready.then(() =>
      provision(loadConfig(dataDir, {}), (line) => this.reports.push(line)),
    );
    const title = 'connecting them: topics, tables, connectors, a record of each source';
    this.board = new ServiceBoard(services, { title, work: this.provisioned });
  }

  hear(news: News): void {
    this.board.hear(news);
    if (news.kind !== 'service' || news.phase !== 'ready') return;
    this.awaited.delete(news.name);
    if (this.awaited.size === 0) this.begin();
  }

  /** Resolves when all services are up and provisioned. */
  async whole(up: Promise<void>): Promise<void> {
    try {
      await Promise.all([up, this.provisioned]);
    } finally {
      await this.board.close();
      for (const line of this.reports) console.log(line);
    }
  }
}

import { CleanClient } from './client/clean.js';
import { ClientConnections } from './client/connections.js';
import { CountClient } from './client/count.js';
import { DeadLetterClient } from './client/dead-letters.js';
import { GoldClient } from './client/gold.js';
import { ReplayClient } from './client/replay.js';
import { ScheduleClient } from './client/schedule.js';
import { VerifyClient } from './client/verify.js';
import type { Config } from './config.js';

/**
 * The typed client of Tidemark. Connects when first used; close it when done.
 *
 *     const tidemark = new Tidemark(loadConfig(dataDirectory(undefined, process.env), process.env));
 *     const run = await tidemark.gold.run({ day: '2026-11-20' });
 *     await tidemark.close();
 */
export class Tidemark {
  readonly clean: CleanClient;
  readonly count: CountClient;
  readonly deadLetters: DeadLetterClient;
  readonly gold: GoldClient;
  readonly replay: ReplayClient;
  readonly schedule: ScheduleClient;
  readonly verify: VerifyClient;
  readonly #connections: ClientConnections;

  constructor(config: Config) {
    this.#connections = new ClientConnections(config);
    this.clean = new CleanClient(this.#connections);
    this.count = new CountClient(this.#connections);
    this.deadLetters = new DeadLetterClient(this.#connections);
    this.gold = new GoldClient(this.#connections);
    this.replay = new ReplayClient(this.#connections);
    this.schedule = new ScheduleClient(this.#connections);
    this.verify = new VerifyClient(this.#connections);
  }

  close(): Promise<void> {
    return this.#connections.close();
  }
}

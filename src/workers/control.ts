import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import type { Server } from 'node:http';
import type { Client } from '@temporalio/client';
import { NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { createCleanActivities } from '../activities/clean.js';
import { createClickHouseActivities } from '../activities/clickhouse.js';
import { createCountActivities } from '../activities/count.js';
import { createConnectActivities } from '../activities/connect.js';
import { createGoldDayActivities } from '../activities/gold-day.js';
import { createKafkaActivities } from '../activities/kafka.js';
import { createMongoActivities } from '../activities/mongo.js';
import { createPostgresActivities } from '../activities/postgres.js';
import { CHECKS } from '../activities/checks/index.js';
import { createProbeActivities } from '../activities/probe.js';
import { createReplayActivities } from '../activities/replay.js';
import { withFailures } from '../activities/to-failure.js';
import { createVerifyActivities } from '../activities/verify.js';
import { reportFailure } from '../cli/report-failure.js';
import { Tidemark } from '../client.js';
import { serviceFault } from '../clients/fault.js';
import { connectClickHouseReader } from '../clients/clickhouse.js';
import { connectTemporal } from '../clients/temporal.js';
import { codeVersion } from '../code-version.js';
import { dataDirectory, loadConfig, type Config } from '../config.js';
import { CONTROL_QUEUE } from '../core/ids.js';
import { askClickHouse } from '../dashboards/look.js';
import { dashboardsRoute } from './dashboards-http.js';
import { keepConnectors } from './connector-keeper.js';
import { openConnections, type Connections } from './connections.js';
import { workerLogger } from './logger.js';
import { serveHttp, type Route } from './http-server.js';
import { verifyRoute } from './verify-http.js';

/** Longer than a panel's query may run in ClickHouse. */
const PANEL_TIMEOUT_MS = 15_000;

/** Workflows and short activities. `node control.js [--data-dir D]`; ends cleanly on SIGTERM and SIGINT. */
async function main(): Promise<void> {
  const { values } = parseArgs({ options: { 'data-dir': { type: 'string' } } });
  const config = loadConfig(dataDirectory(values['data-dir'], process.env), process.env);
  Runtime.install({ logger: workerLogger() });
  const connections = await openConnections(config);
  try {
    await run(config, connections);
  } finally {
    await connections.close();
  }
}

async function run(config: Config, connections: Connections): Promise<void> {
  const { address, namespace } = config.temporal;
  const temporal = await connectTemporal(config).catch((cause: unknown) => {
    throw serviceFault('temporal', 'starting a worker', cause);
  });
  const connection = await NativeConnection.connect({ address }).catch((cause: unknown) => {
    throw serviceFault('temporal', 'starting a worker', cause);
  });
  try {
    const worker = await Worker.create({
      connection,
      namespace,
      taskQueue: CONTROL_QUEUE,
      workflowsPath: fileURLToPath(new URL('../workflows/index.js', import.meta.url)),
      activities: controlActivities(config, connections, temporal),
      // When a worker dies, others wait this long for it before they take its workflows: the default is 10 s.
      stickyQueueScheduleToStartTimeout: '1s',
      // A worker that hangs swallows a task with every poll it has open, each until its timeout: few, and so soon another's.
      maxConcurrentActivityTaskPolls: 2,
      maxConcurrentWorkflowTaskPolls: 2,
      // Activities that only wait, for a day of a backfill (32 each at most), hold places, too: were they to hold all, the
      // days would find none. 30 backfills at once are more than anybody starts; a place by itself costs nothing.
      maxConcurrentActivityTaskExecutions: 1_000,
      // An activity hears with a heartbeat that it is cancelled; the usual throttle lets one of 10 s through every 8.
      maxHeartbeatThrottleInterval: '1s',
      // Activities are told to stop on SIGTERM, and have this long to end their queries.
      shutdownGraceTime: '1s',
      shutdownForceTime: '15s',
    });
    await whileKeeping(connections.connect, () => whileServing(config, () => worker.run()));
  } finally {
    await Promise.all([connection.close(), temporal.connection.close()]);
  }
}

/** Keeps the connectors going meanwhile. */
async function whileKeeping(connect: Connections['connect'], work: () => Promise<void>): Promise<void> {
  const done = new AbortController();
  const keeping = keepConnectors(connect, Runtime.instance().logger, done.signal);
  try {
    await work();
  } finally {
    done.abort();
    await keeping;
  }
}

/** Answers over HTTP meanwhile, where it is asked for; a verification under way when it ends goes on without its asker. */
async function whileServing(config: Config, work: () => Promise<void>): Promise<void> {
  if (config.http === undefined) return work();
  const tidemark = new Tidemark(config);
  const clickhouse = connectClickHouseReader(config, PANEL_TIMEOUT_MS);
  const { database } = config.clickhouse;
  const routes = [
    verifyRoute(tidemark.verify),
    dashboardsRoute({ ask: askClickHouse(clickhouse), database, now: Date.now }),
  ];
  try {
    const server = await serveUnlessTaken(config.http, routes);
    try {
      await work();
    } finally {
      server?.close();
      server?.closeAllConnections();
    }
  } finally {
    await Promise.all([tidemark.close(), clickhouse.close()]);
  }
}

/** Of several workers with one configuration on one machine, the first serves: a worker has more to do. */
async function serveUnlessTaken(
  http: NonNullable<Config['http']>,
  routes: readonly Route[],
): Promise<Server | undefined> {
  const { logger } = Runtime.instance();
  try {
    return await serveHttp(http, routes, (fault) => {
      logger.error('answering over HTTP', { err: fault });
    });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error;
    logger.warn(`serves no HTTP: port ${http.port} is taken, by another worker most likely`);
    return undefined;
  }
}

function controlActivities(config: Config, connections: Connections, temporal: Client) {
  const { database, cluster } = config.clickhouse;
  return {
    ...withFailures(
      createClickHouseActivities({
        clickhouse: connections.clickhouse,
        database,
        onCluster: cluster === undefined ? '' : `ON CLUSTER '${cluster}'`,
        codeVersion: codeVersion(),
      }),
    ),
    ...withFailures(createGoldDayActivities({ temporal })),
    ...withFailures(createKafkaActivities(connections)),
    ...withFailures(createCleanActivities({ ...connections, codeVersion: codeVersion(), now: Date.now })),
    ...withFailures(createCountActivities({ ...connections, codeVersion: codeVersion(), now: Date.now })),
    ...withFailures(createConnectActivities(connections)),
    ...withFailures(createPostgresActivities(connections)),
    ...withFailures(createMongoActivities(connections)),
    ...withFailures(createReplayActivities({ ...connections, now: Date.now, codeVersion: codeVersion() })),
    ...withFailures(createProbeActivities({ codeVersion: codeVersion() })),
    ...withFailures(
      createVerifyActivities({
        ...connections,
        config,
        temporal,
        checks: CHECKS,
        codeVersion: codeVersion(),
      }),
    ),
  };
}

main().catch(reportFailure);

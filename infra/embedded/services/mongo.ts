import { join } from 'node:path';
import { MongoClient } from 'mongodb';
import { ensureFolder } from '../components.js';
import { pythonCommand } from '../prerequisites.js';
import type { Service, StackContext } from '../service.js';

/** SecantusDB stands in for MongoDB: no package registry carries the real server. */
export const mongo: Service = {
  name: 'mongo',
  title: 'SecantusDB (stands in for MongoDB)',
  needs: [],
  components: ['secantusdb'],
  runNeeds: ['python'],
  ports: ['mongo'],
  stop: 'SIGTERM',
  stopMs: 15_000,
  prepare(context) {
    ensureFolder(join(context.dataDir, 'mongo'));
    return Promise.resolve();
  },
  async launch(context) {
    const lib = join(context.component('secantusdb'), 'lib');
    const settings = {
      host: '127.0.0.1',
      port: context.ports.mongo,
      'storage-path': join(context.dataDir, 'mongo'),
      'cache-size': '256M',
      // Keeps the resume token of a quiet change stream inside the oplog.
      'noop-heartbeat-seconds': 10,
      'oplog-max-entries': 2_000_000,
      'oplog-retention-seconds': 86_400,
      'log-level': 'WARNING',
    };
    const options = Object.entries(settings).flatMap(([name, value]) => [`--${name}`, String(value)]);
    return {
      command: await pythonCommand(),
      args: ['-c', 'import sys; from secantus.cli import main; sys.exit(main())', ...options],
      env: { PYTHONPATH: lib, PYTHONUNBUFFERED: '1', PYTHONNOUSERSITE: '1' },
    };
  },
  async ask(context) {
    await withClient(context, async (client) => {
      await client.db('admin').command({ ping: 1 });
      const marks = client.db('tidemark_ready').collection<{ _id: string; at: Date }>('marks');
      await marks.updateOne({ _id: 'stack' }, { $set: { at: new Date() } }, { upsert: true });
    });
  },
  url: (context) => `mongodb://127.0.0.1:${context.ports.mongo}/?replicaSet=secantus`,
};

async function withClient(
  context: StackContext,
  work: (client: MongoClient) => Promise<void>,
): Promise<void> {
  const client = new MongoClient(context.config.mongo.uri, {
    serverSelectionTimeoutMS: 5_000,
    connectTimeoutMS: 5_000,
    socketTimeoutMS: 5_000,
  });
  try {
    await client.connect();
    await work(client);
  } finally {
    await client.close();
  }
}

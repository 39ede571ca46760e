import { MongoClient } from 'mongodb';
import type { Config } from '../config.js';

export const connectMongo = (config: Config): Promise<MongoClient> =>
  new MongoClient(config.mongo.uri, { serverSelectionTimeoutMS: 5_000, appName: 'tidemark' }).connect();

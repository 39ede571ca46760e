import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { execa } from 'execa';
import { cacheDirectory, installComponent } from '../../infra/embedded/install.js';
import { javaCommand } from '../../infra/embedded/prerequisites.js';
import { propertiesFile } from '../../infra/embedded/services/java.js';
import type { Config } from '../../src/config.js';
import { waitUntil } from '../../src/wait-until.js';
import { kafkaOf } from '../chaos/replay/scene.js';
import { endWithParent } from './end-with-parent.js';
import { takeBase } from './take-base.js';

/** Who may sign in at the listener with TLS; the plain one asks nobody and may do everything. */
export const USER = { user: 'reader', password: 'reader-secret' };
const STORE_PASSWORD = 'test-store';
const START_LIMIT_MS = 240_000;

/**
 * Real brokers beside the embedded one, for what needs more than one or listeners of its own: node 1 is controller and broker,
 * the others are brokers. Each has a plain listener and one with TLS and SASL (SCRAM). Topics have as many replicas as there
 * are nodes, so that a leader can move.
 */
export class KafkaCluster {
  readonly #folder: string;
  readonly #libs: string;
  readonly #base: number;
  readonly #nodes = new Map<number, ChildProcess>();
  readonly size: number;

  private constructor(folder: string, libs: string, base: number, size: number) {
    this.#folder = folder;
    this.#libs = libs;
    this.#base = base;
    this.size = size;
  }

  static async start(size: number, settings: Record<string, string | number> = {}): Promise<KafkaCluster> {
    const libs = join(await installComponent(cacheDirectory(process.env), 'kafka'), 'libs', '*');
    const folder = mkdtempSync(join(tmpdir(), 'tidemark-cluster-'));
    const base = await takeBase();
    const cluster = new KafkaCluster(folder, libs, base, size);
    try {
      await cluster.#makeCertificate();
      for (const node of cluster.#all()) await cluster.#format(node, settings);
      for (const node of cluster.#all()) cluster.#launch(node);
      await cluster.whole();
    } catch (error) {
      await cluster.stop();
      throw error;
    }
    return cluster;
  }

  /** Without TLS and without signing in. */
  get config(): Config['kafka'] {
    return { brokers: this.#all().map((node) => `127.0.0.1:${this.#port(node, 'CLIENT')}`), tls: false };
  }

  /** With TLS and SASL; `ca` is to be trusted. */
  secure(
    mechanism: 'scram-sha-256' | 'scram-sha-512',
    password = USER.password,
  ): { kafka: Config['kafka']; ca: string } {
    const brokers = this.#all().map((node) => `127.0.0.1:${this.#port(node, 'SECURE')}`);
    const sasl = { mechanism, user: USER.user, password };
    return { kafka: { brokers, tls: true, sasl }, ca: readFileSync(join(this.#folder, 'ca.pem'), 'utf8') };
  }

  /** SIGKILL unless told otherwise; resolves when it has ended. */
  async kill(node: number, signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const child = this.#nodes.get(node);
    if (child === undefined) return;
    this.#nodes.delete(node);
    const ended = child.exitCode === null && child.signalCode === null ? once(child, 'exit') : undefined;
    child.kill(signal);
    await ended;
  }

  async restart(node: number): Promise<void> {
    this.#launch(node);
    await this.whole();
  }

  /** Resolves when every node is a live broker. */
  async whole(): Promise<void> {
    const isWhole = async (): Promise<boolean> => {
      for (const child of this.#nodes.values()) {
        if (child.exitCode !== null)
          throw new Error(`a broker ended: ${readFileSync(join(this.#folder, 'log'), 'utf8').slice(-2_000)}`);
      }
      const admin = kafkaOf(this.config).admin({ retry: { retries: 0 } });
      try {
        await admin.connect();
        return (await admin.describeCluster()).brokers.length === this.size;
      } catch {
        return false; // not listening yet
      } finally {
        await admin.disconnect();
      }
    };
    await waitUntil('brokers of a test', isWhole, { timeoutMs: START_LIMIT_MS, everyMs: 200 });
  }

  /** Runs one of Kafka's own programs to its end. @returns what it printed. */
  async tool(main: string, args: readonly string[]): Promise<string> {
    const options = ['-Dorg.slf4j.simpleLogger.defaultLogLevel=error', '-XX:TieredStopAtLevel=1'];
    const { stdout } = await execa(javaCommand(), [...options, '-cp', this.#libs, main, ...args]);
    return stdout;
  }

  async stop(): Promise<void> {
    await Promise.all(this.#all().map((node) => this.kill(node)));
    rmSync(this.#folder, { recursive: true, force: true });
  }

  #all(): number[] {
    return Array.from({ length: this.size }, (_, index) => index + 1);
  }

  #port(node: number, listener: 'CLIENT' | 'SECURE' | 'CONTROLLER'): number {
    return this.#base + 4 * (node - 1) + { CLIENT: 0, SECURE: 1, CONTROLLER: 2 }[listener];
  }

  #launch(node: number): void {
    const log = openSync(join(this.#folder, 'log'), 'a');
    const child = spawn(
      javaCommand(),
      ['-Xmx512m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-cp', this.#libs].concat(
        '-Dorg.slf4j.simpleLogger.defaultLogLevel=warn',
        'kafka.Kafka',
        this.#settingsFile(node),
      ),
      { stdio: ['ignore', log, log] },
    );
    endWithParent(child);
    this.#nodes.set(node, child);
  }

  #settingsFile(node: number): string {
    return join(this.#folder, `node-${String(node)}.properties`);
  }

  async #format(node: number, more: Record<string, string | number>): Promise<void> {
    const replicas = this.size;
    const listeners = (names: ('CLIENT' | 'SECURE' | 'CONTROLLER')[]): string =>
      names.map((name) => `${name}://127.0.0.1:${String(this.#port(node, name))}`).join(',');
    const logs = join(this.#folder, `logs-${String(node)}`);
    mkdirSync(logs);
    const settings = {
      'process.roles': node === 1 ? 'broker,controller' : 'broker',
      'node.id': node,
      'controller.quorum.voters': `1@127.0.0.1:${String(this.#port(1, 'CONTROLLER'))}`,
      listeners: listeners(node === 1 ? ['CLIENT', 'SECURE', 'CONTROLLER'] : ['CLIENT', 'SECURE']),
      'advertised.listeners': listeners(['CLIENT', 'SECURE']),
      'listener.security.protocol.map': 'CLIENT:PLAINTEXT,SECURE:SASL_SSL,CONTROLLER:PLAINTEXT',
      'inter.broker.listener.name': 'CLIENT',
      'controller.listener.names': 'CONTROLLER',
      'sasl.enabled.mechanisms': 'SCRAM-SHA-256,SCRAM-SHA-512',
      'listener.name.secure.scram-sha-256.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'listener.name.secure.scram-sha-512.sasl.jaas.config':
        'org.apache.kafka.common.security.scram.ScramLoginModule required;',
      'ssl.keystore.location': join(this.#folder, 'store.p12'),
      'ssl.keystore.password': STORE_PASSWORD,
      'ssl.keystore.type': 'PKCS12',
      'authorizer.class.name': 'org.apache.kafka.metadata.authorizer.StandardAuthorizer',
      'super.users': 'User:ANONYMOUS',
      'allow.everyone.if.no.acl.found': 'true',
      'log.dirs': logs,
      'default.replication.factor': replicas,
      'offsets.topic.replication.factor': replicas,
      'transaction.state.log.replication.factor': replicas,
      'transaction.state.log.min.isr': 1,
      'share.coordinator.state.topic.replication.factor': replicas,
      'share.coordinator.state.topic.min.isr': 1,
      'offsets.topic.num.partitions': 4,
      'transaction.state.log.num.partitions': 4,
      'group.initial.rebalance.delay.ms': 0,
      'auto.create.topics.enable': 'false',
      'log.retention.ms': -1,
      // A broker that is killed is missed soon, and leads again soon after it is back.
      'broker.session.timeout.ms': 3_000,
      'broker.heartbeat.interval.ms': 500,
      'leader.imbalance.check.interval.seconds': 1,
      'leader.imbalance.per.broker.percentage': 0,
      ...more,
    };
    writeFileSync(this.#settingsFile(node), propertiesFile(settings));
    const users = ['SCRAM-SHA-256', 'SCRAM-SHA-512'].flatMap((mechanism) => [
      '--add-scram',
      `${mechanism}=[name=${USER.user},password=${USER.password}]`,
    ]);
    const format = ['-t', 'dGlkZW1hcmstdGVzdC0xMA', '-c', this.#settingsFile(node), ...users];
    await execa(javaCommand(), ['-cp', this.#libs, 'kafka.tools.StorageTool', 'format', ...format]);
  }

  /** A key and a certificate that signs itself, by the JDK's own tool. */
  async #makeCertificate(): Promise<void> {
    const keytool = join(javaCommand(), '..', 'keytool');
    const store = ['-keystore', join(this.#folder, 'store.p12'), '-storepass', STORE_PASSWORD];
    const name = ['-alias', 'broker'];
    const tool = javaCommand().includes('/') ? keytool : 'keytool';
    await execa(tool, [
      ...['-genkeypair', ...name, ...store, '-storetype', 'PKCS12', '-keyalg', 'RSA'],
      ...['-dname', 'CN=tidemark-test', '-ext', 'SAN=IP:127.0.0.1', '-validity', '2'],
    ]);
    await execa(tool, ['-exportcert', '-rfc', ...name, ...store, '-file', join(this.#folder, 'ca.pem')]);
  }
}

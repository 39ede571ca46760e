import assert from 'node:assert/strict';
import { portsOf } from '../../../infra/embedded/plan.js';
import { portsFrom } from '../../../infra/embedded/ports.js';
import { GOLD_SERVICES } from '../../support/gold-stack.js';
import { listening, membersOfGroup } from '../../support/processes.js';
import { useStack } from '../../support/stack.js';

describe('a whole embedded stack', function () {
  this.timeout(60_000);
  before(function () {
    // What listens where is read from /proc.
    if (process.platform !== 'linux') this.skip();
  });
  const stack = useStack(GOLD_SERVICES, { provisioned: true });

  it('listens on 127.0.0.1 only, every server of it', () => {
    const found = GOLD_SERVICES.flatMap((name) => {
      const addresses = listening(membersOfGroup(stack().service(name).pid));
      for (const address of addresses)
        assert.match(address, /^(127\.0\.0\.1|\[0{8}0{8}FFFF00000100007F\]):\d+$/, name);
      if (name !== 'worker') assert.ok(addresses.length > 0, `${name} listens nowhere`);
      return addresses;
    });
    const ports = new Set(found.map((address) => Number(address.split(':').at(-1))));
    const base = Number(stack().config.kafka.brokers[0]?.split(':')[1]);
    const byName = portsFrom(base);
    for (const name of portsOf(GOLD_SERVICES))
      assert.ok(ports.has(byName[name]), `nobody listens on ${name}`);
  });

  it('lets nobody at Kafka Connect without the password', async () => {
    const { url, user = '' } = stack().config.connect;
    for (const headers of [{}, { authorization: `Basic ${btoa(`${user}:wrong`)}` }]) {
      const response = await fetch(`${url}/connectors`, { headers });
      assert.equal(response.status, 401);
    }
  });
});

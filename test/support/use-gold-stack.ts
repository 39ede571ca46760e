import type { ServiceName } from '../../infra/embedded/index.js';
import { GOLD_SERVICES, openGoldStack, type GoldStack } from './gold-stack.js';
import { useStack } from './stack.js';

/** A whole pipeline for the enclosing suite, shared by all suites that only add to the sources. */
export function useGoldStack({
  services = GOLD_SERVICES,
  own = false,
}: { services?: readonly ServiceName[]; own?: boolean } = {}): () => GoldStack {
  const stack = useStack(services, { own, provisioned: true });
  let opened: GoldStack | undefined;
  before(async () => {
    opened = await openGoldStack(stack());
  });
  after(() => opened?.close());
  return () => {
    if (opened === undefined) throw new Error('using a stack before its suite has begun');
    return opened;
  };
}

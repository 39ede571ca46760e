/** Puts a batch into the source; when it returns, every operation of the batch is there. */
export type Write<Operation> = (batch: readonly Operation[]) => Promise<void>;

/**
 * Cuts operations into runs in which no key comes twice. Within such a run the order does not matter, so that a writer
 * may group by kind; between runs it is kept, and with it the order of every key.
 */
export function segments<Operation>(
  operations: readonly Operation[],
  keysOf: (operation: Operation) => readonly (string | number)[],
): Operation[][] {
  const cut: Operation[][] = [];
  let current: Operation[] = [];
  let taken = new Set<string | number>();
  for (const operation of operations) {
    const keys = keysOf(operation);
    if (keys.some((key) => taken.has(key))) {
      cut.push(current);
      current = [];
      taken = new Set();
    }
    for (const key of keys) taken.add(key);
    current.push(operation);
  }
  if (current.length > 0) cut.push(current);
  return cut;
}

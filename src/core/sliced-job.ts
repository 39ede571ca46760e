/** Part of workflow ids, transactional ids, keys and topic names. */
const JOB_NAME = /^[A-Za-z0-9][A-Za-z0-9._-]{0,79}$/;

/** What is wrong with the name of a job. */
export const jobNameFaults = (job: string): string[] =>
  JOB_NAME.test(job) ? [] : ['the name must be 1 to 80 letters, digits, dots, dashes'];

/** What is wrong with where a job begins and ends. */
export const rangeFaults = ({ from, to }: { from?: 'beginning' | 'end' | number; to?: number }): string[] =>
  to !== undefined && (from === 'end' || (typeof from === 'number' && from >= to))
    ? ['there is no time before its end']
    : [];

/** The fields of these names that an input gives: a job's spec of it. */
export const givenOf = <Input extends object, Name extends keyof Input>(
  input: Input,
  names: readonly Name[],
): Pick<Input, Name> =>
  Object.fromEntries(
    names.flatMap((name) => (input[name] === undefined ? [] : [[name, input[name]]])),
  ) as Pick<Input, Name>;

/** Divides items into at most `wanted` groups whose sizes differ by one at most: item i goes to group i mod n. */
export function dealOut<T>(items: readonly T[], wanted: number): T[][] {
  const groups = Array.from({ length: Math.max(1, Math.min(wanted, items.length)) }, (): T[] => []);
  items.forEach((item, i) => groups[i % groups.length]!.push(item));
  return groups;
}

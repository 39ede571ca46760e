/**
 * JSON with the members of every object in the order of their names: two values of plain JSON have the same canonical
 * text exactly when they have the same content. `undefined` members count as missing, as in JSON.
 */
export function canonicalJson(value: unknown): string {
  // By hand, because JSON.stringify with a replacer takes four times as long, and payloads come by the million.
  if (value === null || typeof value !== 'object') return JSON.stringify(value) ?? 'null';
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`;
  const members = value as Readonly<Record<string, unknown>>;
  const names = Object.keys(members).sort();
  const present = names.filter((name) => members[name] !== undefined);
  return `{${present.map((name) => `${JSON.stringify(name)}:${canonicalJson(members[name])}`).join(',')}}`;
}

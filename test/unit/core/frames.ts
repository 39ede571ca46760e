import fc from 'fast-check';

const key = fc.oneof(
  fc.constantFrom('ts', 'uid', 'ts ', 'UID', 'a"b', '\\', 'tѕ'),
  fc.string({ unit: 'binary', maxLength: 6 }),
);
const json = fc.jsonValue({ maxDepth: 3, stringUnit: 'binary' });
const tsValue = fc.oneof(
  fc.integer({ min: 0, max: 2 ** 32 }),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer().map(String),
  fc.constantFrom('1.5e9', '', ' 1', '1 ', '+1', '.5', '1.', 'NaN', 'Infinity'),
  json,
);
const idValue = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.stringMatching(/^[0-9a-f]{16}$/),
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.integer(),
  json,
);
const members = fc
  .tuple(fc.dictionary(key, json, { maxKeys: 5 }), fc.option(tsValue), fc.option(idValue))
  .chain(([others, ts, id]) => {
    const all = new Map<string, unknown>(Object.entries(others));
    if (ts !== null) all.set('ts', ts);
    if (id !== null) all.set('uid', id);
    return fc.shuffledSubarray([...all.entries()], { minLength: all.size });
  });
const space = fc.stringMatching(/^[ \t\r\n]{0,2}$/);
/** An object's text with space anywhere, and with any character of a name escaped; names occur once. */
export const validFrame = fc.tuple(members, space, space, fc.boolean()).map(([list, s1, s2, escape]) => {
  const name = (text: string): string =>
    escape
      ? `"${[...Array(text.length).keys()].map((i) => `\\u${text.charCodeAt(i).toString(16).padStart(4, '0')}`).join('')}"`
      : JSON.stringify(text);
  const text = list
    .map(([k, v]) => `${s1}${name(k)}${s2}:${s1}${JSON.stringify(v, null, s2.length)}${s2}`)
    .join(',');
  return Buffer.from(`${s2}{${text}}${s1}`);
});

const edits = fc.array(
  fc.tuple(
    fc.nat(),
    fc.constantFrom<'replace' | 'insert' | 'delete' | 'cut'>('replace', 'insert', 'delete', 'cut'),
    fc.oneof(fc.constantFrom(...Buffer.from('{}[]",:\\0-+.eEu \n\t')), fc.integer({ min: 0, max: 255 })),
  ),
  { minLength: 1, maxLength: 3 },
);

/** Such a text with a few of its bytes changed, more often than not no frame any more. */
export const brokenFrame = fc.tuple(validFrame, edits).map(([bytes, changes]) => {
  let broken = [...bytes];
  for (const [where, how, byte] of changes) {
    const at = where % (broken.length + 1);
    if (how === 'replace') broken[at] = byte;
    else if (how === 'insert') broken.splice(at, 0, byte);
    else if (how === 'delete') broken.splice(at, 1);
    else broken = broken.slice(0, at);
  }
  return Buffer.from(broken);
});

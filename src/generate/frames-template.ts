import { Random } from './random.js';

/** What surrounds `uid` and `ts` in a frame: the bytes before and after them, ready to copy. */
export interface FrameTemplate {
  /** From the opening brace to the comma before the two members. */
  readonly before: Buffer;
  /** From the comma after the two members to the closing brace and the newline. */
  readonly after: Buffer;
  readonly isTsFirst: boolean;
  readonly isTsText: boolean;
}

/** Different surroundings in one run; frames take them in turn, by chance. */
const TEMPLATES = 256;
/** `{"uid":"0123456789abcdef","ts":1468244340}` and the newline. */
const BARE_BYTES = 43;
/** Most members that come before the two a counter looks for. */
const MOST_BEFORE = 3;

const LATIN =
  'the user opened product page and added two items to a basket then asked for delivery tomorrow'.split(' ');
const CYRILLIC =
  'покупатель открыл страницу товара и добавил две вещи в корзину затем выбрал доставку на завтра'.split(' ');
const AGENTS = [
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/51.0.2704.103 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 9_3_2 like Mac OS X) AppleWebKit/601.1.46 Version/9.0 Mobile/13F69',
];

/** Makes the surroundings for frames of about `frameBytes` (at least the bare frame). */
export function frameTemplates(frameBytes: number, seed: number): FrameTemplate[] {
  const random = Random.of(seed, 1);
  return Array.from({ length: TEMPLATES }, () => {
    // Sizes differ a little, as they do where such frames come from.
    const size = Math.round(frameBytes * (0.985 + 0.03 * random.fraction()));
    return template(size - BARE_BYTES, random);
  });
}

function template(extraBytes: number, random: Random): FrameTemplate {
  const members: string[] = [];
  let bytes = 0;
  for (let i = 0; ; i++) {
    const member = extraMember(i, random);
    const length = Buffer.byteLength(member) + 1;
    if (bytes + length > extraBytes) break;
    members.push(member);
    bytes += length;
  }
  const pad = extraBytes - bytes - '"pad":"",'.length;
  if (pad >= 0) members.push(`"pad":"${'x'.repeat(pad)}"`);
  const before = members.splice(0, random.int(0, Math.min(MOST_BEFORE, members.length) + 1));
  return {
    before: Buffer.from(`{${before.map((member) => `${member},`).join('')}`),
    after: Buffer.from(`${members.map((member) => `,${member}`).join('')}}\n`),
    isTsFirst: random.chance(0.5),
    isTsText: random.chance(0.02),
  };
}

/** One more member: text with escapes, a tenth of it Cyrillic, numbers, and objects that hold decoys of `uid` and `ts`. */
function extraMember(i: number, random: Random): string {
  const name = `"f${i}"`;
  const words = (count: number): string => {
    const from = random.chance(0.1) ? CYRILLIC : LATIN;
    return Array.from({ length: count }, () => random.pick(from)).join(' ');
  };
  switch (random.int(0, 6)) {
    case 0:
      return `${name}:${random.int(0, 1_000_000)}`;
    case 1:
      return `${name}:"${words(random.int(3, 20))}"`;
    case 2:
      return `${name}:"say \\"${words(3)}\\"\\n\\u00e9 C:\\\\${random.int(0, 99)}"`;
    case 3:
      return `${name}:{"uid":"decoy-${random.int(0, 99)}","ts":${random.int(0, 2 ** 31)},"ref":{"id":null,"ok":true}}`;
    case 4:
      return `${name}:[${random.int(0, 9)},-${random.fraction().toFixed(6)},1.5e9,"${words(2)}",{"ts":"${random.int(0, 999)}"}]`;
    default:
      return `${name}:"${random.pick(AGENTS)}"`;
  }
}

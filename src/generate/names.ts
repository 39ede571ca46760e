import { faker as arabic } from '@faker-js/faker/locale/ar';
import { faker as english } from '@faker-js/faker/locale/en';
import { faker as german } from '@faker-js/faker/locale/de';
import { faker as japanese } from '@faker-js/faker/locale/ja';
import { faker as russian } from '@faker-js/faker/locale/ru';
import type { Random } from './random.js';

/** First and last names of one language, to be combined: drawing each name from faker costs ten times as much. */
interface NameList {
  readonly share: number;
  readonly first: readonly string[];
  readonly last: readonly string[];
}

const LANGUAGES = [
  { share: 0.6, faker: english },
  { share: 0.15, faker: german },
  { share: 0.15, faker: russian },
  { share: 0.05, faker: japanese },
  { share: 0.05, faker: arabic },
];
const NAMES_PER_LANGUAGE = 400;

/** Names for a seed. Some carry what breaks careless quoting: apostrophes, double quotes, backslashes, emoji. */
export class Names {
  readonly #lists: readonly NameList[];

  constructor(seed: number) {
    this.#lists = LANGUAGES.map(({ share, faker }) => {
      faker.seed(seed);
      const draw = (name: () => string): string[] => Array.from({ length: NAMES_PER_LANGUAGE }, name);
      return {
        share,
        first: draw(() => faker.person.firstName()),
        last: draw(() => faker.person.lastName()),
      };
    });
  }

  fullName(random: Random): string {
    let ticket = random.fraction();
    const list = this.#lists.find(({ share }) => (ticket -= share) < 0) ?? this.#lists[0];
    if (list === undefined) throw new RangeError('drawing a name: no language');
    const [first, last] = [random.pick(list.first), random.pick(list.last)];
    if (!random.chance(0.05)) return `${first} ${last}`;
    return random.pick([
      `${first} O'${last}`,
      `${first} "${random.pick(list.first)}" ${last}`,
      `${first} \\ ${last}`,
      `${first} ${last} 🧭`,
      `${last}, ${first};--`,
    ]);
  }
}

/** An address of a domain reserved for examples (RFC 2606); now and then with letters outside ASCII (RFC 6531). */
export function email(random: Random, ordinal: number): string {
  const host = random.pick(['example.com', 'example.org', 'mail.example.net']);
  const name = random.chance(0.03) ? 'пользователь' : random.pick(['shopper', 'hello', 'post', 'a.b+news']);
  return `${name}.${ordinal}.${random.int(0, 1_000)}@${host}`;
}

import type { Random } from './random.js';

export const EVENT_TYPES = [
  'page_view',
  'search',
  'login',
  'logout',
  'add_to_cart',
  'remove_from_cart',
  'checkout',
  'purchase',
] as const;
export type EventType = (typeof EVENT_TYPES)[number];

/** Plain JSON whose whole numbers fit 32 bits, so that BSON, extended JSON and JSON all write it alike. */
export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
export type Payload = { readonly [key: string]: Json };

/** How shoppers behave: mostly looking. */
const TYPE_SHARES: readonly (readonly [EventType, number])[] = [
  ['page_view', 0.5],
  ['search', 0.15],
  ['login', 0.1],
  ['add_to_cart', 0.1],
  ['logout', 0.05],
  ['remove_from_cart', 0.04],
  ['checkout', 0.03],
  ['purchase', 0.03],
];

export function drawType(random: Random): EventType {
  let ticket = random.fraction();
  return TYPE_SHARES.find(([, share]) => (ticket -= share) < 0)?.[0] ?? 'page_view';
}

/** Text as people type it: what breaks careless quoting, splitting and decoding. */
const PHRASES = [
  'wool socks',
  'размер 42 "зима"',
  "kid's bike, 16''",
  'naïve café ☕',
  '折りたたみ傘',
  'حذاء رياضي',
  'tab\there, newline\nthere',
  'C:\\temp\\new',
  '100 % <b>cotton</b> & {"json": [true]}',
  '🧵👟 👨‍👩‍👧',
  '',
];
const PRODUCTS = [
  'mug',
  'lamp',
  'kettle',
  'rucksack',
  'хлебница',
  'Gießkanne',
  'umbrella "storm"',
  "chef's knife",
];
const CITIES = ['Oslo', 'São Paulo', 'Łódź', 'Санкт-Петербург', '京都', "L'Aquila"];

/** The payload of an event of some type: nested, with arrays, and some members missing at times. */
export function drawPayload(random: Random, type: EventType): Payload {
  const payload = PAYLOADS[type](random);
  // Decoys: members that carry the names of the event's own fields, with other types.
  if (!random.chance(0.04)) return payload;
  return { ...payload, context: { user_id: 'guest', ts: 0, event_type: ['a', 'b'], _id: null } };
}

const PAYLOADS: Readonly<Record<EventType, (random: Random) => Payload>> = {
  page_view: (random) => ({
    url: `/c/${random.pick(PRODUCTS)}?page=${random.int(1, 9)}`,
    referrer: random.chance(0.3) ? null : `https://www.example.org/${random.int(0, 1_000)}`,
    ...(random.chance(0.6) && { ms_on_page: random.int(10, 600_000) }),
    ...(random.chance(0.2) && { utm: { source: 'mail', campaign: random.pick(PHRASES), tags: [] } }),
  }),
  search: (random) => ({
    query: random.pick(PHRASES),
    results: random.int(0, 500),
    filters: times(random, 0, 3, () => ({
      field: random.pick(['price', 'colour']),
      range: [random.int(0, 50), null],
    })),
  }),
  login: (random) => ({
    ok: random.chance(0.95),
    method: random.pick(['password', 'passkey', 'sso']),
    device: {
      os: random.pick(['iOS 19', 'Android 16', 'Windows']),
      app: `${random.int(1, 9)}.${random.int(0, 20)}`,
    },
    ip: `203.0.113.${random.int(0, 256)}`,
  }),
  logout: () => ({}),
  add_to_cart: (random) => ({ item: item(random), source: random.pick(['search', 'list', 'wishlist']) }),
  remove_from_cart: (random) => ({ item: item(random) }),
  checkout: (random) => ({
    cart: times(random, 1, 4, () => item(random)),
    ship_to: { city: random.pick(CITIES), lines: [random.pick(PHRASES), `${random.int(1, 200)}`] },
    coupon: random.chance(0.7) ? null : `SAVE${random.int(5, 50)}`,
  }),
  purchase: (random) => ({
    order: { id: `o-${random.int(0, 1_000_000)}`, items: times(random, 1, 4, () => item(random)) },
    total: money(random),
    currency: random.pick(['EUR', 'USD', 'JPY']),
    payment: {
      method: random.pick(['card', 'invoice']),
      steps: [
        ['authorised', true],
        ['captured', random.chance(0.9)],
      ],
    },
  }),
};

const item = (random: Random): Payload => ({
  sku: `sku-${random.int(0, 5_000)}`,
  name: random.pick(PRODUCTS),
  quantity: random.int(1, 6),
  price: money(random),
});

/** Never a whole number, which BSON could write as an integer or as a double. */
const money = (random: Random): number =>
  (random.int(1, 400) * 100 + random.pick([25, 49, 75, 95, 99])) / 100;

const times = (random: Random, from: number, to: number, make: () => Payload): Payload[] =>
  Array.from({ length: random.int(from, to) }, make);

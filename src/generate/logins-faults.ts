import type { LoginFields } from './logins-people.js';
import type { Random } from './random.js';

/** A message that nobody can use: its bytes, and what must be said of it. */
export interface BrokenLogin {
  readonly value: Buffer;
  readonly reason: string;
}

const NAMES = [
  'user_id',
  'app_version',
  'device_type',
  'ip',
  'locale',
  'device_id',
  'timestamp',
] as const satisfies readonly (keyof LoginFields)[];

const bytesOf = (fields: Partial<LoginFields>): Buffer => Buffer.from(JSON.stringify(fields));

/** Without a field: it is not there, null, or an empty text. */
export function missingField(random: Random, fields: LoginFields): BrokenLogin {
  const name = random.pick(NAMES);
  const without = [undefined, null, ''][random.int(0, 3)];
  return { value: bytesOf({ ...fields, [name]: without }), reason: `MISSING_${name.toUpperCase()}` };
}

const INVALID: Readonly<Record<keyof LoginFields, readonly unknown[]>> = {
  user_id: ['not-a-uuid', '424cdd21-063a-43a7-b91b', 'g24cdd21-063a-43a7-b91b-7ca1a833afae', 12_345, {}],
  app_version: ['2.3', 'v2.3.0', '2.3.0-beta', 'latest', '2.3.0.1', 2.3],
  device_type: [7, true, {}, ['android']],
  ip: ['199.172.111', '999.1.1.1', 'localhost', '1.2.3.4.5', '2001:db8:::1', 16_909_060],
  locale: ['RUS', 'R', '12', 'english', 'EN-', 49],
  device_id: ['x'.repeat(65), 'bell\u0007', 593_475_928, []],
  timestamp: ['yesterday', '2023-09-12T00:45:51Z', -5, '1e99', 12, 4_200_000_000_000, true],
};

/** With a value that its field cannot have. */
export function invalidField(random: Random, fields: LoginFields): BrokenLogin {
  const name = random.pick(NAMES);
  return {
    value: bytesOf({ ...fields, [name]: random.pick(INVALID[name]) }),
    reason: `INVALID_${name.toUpperCase()}`,
  };
}

const UNKNOWN_TYPES = ['toaster', 'Windows Phone', 'BlackBerry', 'symbian', 'smart-tv', 'fridge'];

/** Of a device type that is a text and none of those there are. */
export function unknownDeviceType(random: Random, fields: LoginFields): BrokenLogin {
  const value = bytesOf({ ...fields, device_type: random.pick(UNKNOWN_TYPES) });
  return { value, reason: 'UNKNOWN_DEVICE_TYPE' };
}

const NO_OBJECTS = ['[]', '42', '"a text"', 'null', 'true', '[{"user_id":"x"}]'];
/** Bytes that no text in UTF-8 has: a lone byte of the middle, one of none, a surrogate, a form that is too long. */
const NO_UTF8 = [[0x80], [0xff], [0xed, 0xa0, 0x80], [0xc0, 0xaf], [0xc3, 0x28]];

/** No JSON object in UTF-8: bytes that are no text, text that is no JSON, or JSON that is no object. */
export function malformed(random: Random, fields: LoginFields): BrokenLogin {
  const text = JSON.stringify(fields);
  switch (random.int(0, 3)) {
    case 0: {
      // Inside a text of the JSON, so that its other bytes would parse.
      const at = text.indexOf(':"') + 2;
      const [before, after] = [Buffer.from(text.slice(0, at)), Buffer.from(text.slice(at))];
      return {
        value: Buffer.concat([before, Buffer.from(random.pick(NO_UTF8)), after]),
        reason: 'INVALID_UTF8',
      };
    }
    case 1:
      return { value: Buffer.from(random.pick(NO_OBJECTS)), reason: 'NOT_AN_OBJECT' };
    default: {
      const broken = [
        text.slice(0, random.int(1, text.length)),
        `${text}}`,
        '',
        'user_id=7',
        text.replaceAll('"', "'"),
      ];
      return { value: Buffer.from(random.pick(broken)), reason: 'INVALID_JSON' };
    }
  }
}

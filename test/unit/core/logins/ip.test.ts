import assert from 'node:assert/strict';
import { isIP, isIPv6, SocketAddress } from 'node:net';
import fc from 'fast-check';
import { maskIp } from '../../../../src/core/logins/ip.js';

describe('masking addresses', () => {
  const table: [address: string, masked: string | undefined][] = [
    ['199.172.111.135', '199.172.111.0'],
    ['0.0.0.0', '0.0.0.0'],
    ['01.2.3.4', undefined],
    ['1.2.3.256', undefined],
    ['2001:db8:85a3::8a2e:370:7334', '2001:db8:85a3::'],
    ['2001:DB8:0:1::', '2001:db8::'],
    ['0:0:1::', '0:0:1::'],
    ['::', '::'],
    ['::1', '::'],
    ['::ffff:10.1.2.3', '10.1.2.0'],
    ['::ffff:a01:203', '10.1.2.0'],
    ['1:2:3:4:5:6:7:8:9', undefined],
    ['1:2:3:4:5:6:7::', '1:2:3::'],
    ['1::2::3', undefined],
    ['fe80::1%eth0', undefined],
    ['1.2.3.4::', undefined],
    ['', undefined],
    [':', undefined],
  ];
  for (const [address, masked] of table) {
    it(`makes ${masked ?? 'nothing'} of ${address || 'nothing'}`, () =>
      assert.equal(maskIp(address), masked));
  }

  it('takes what Node takes for an address, and nothing else', () => {
    const pieces = fc.array(fc.constantFrom('1', 'ff', '::', ':', '.', '255', '256', '0', '1.2.3.4', 'g'), {
      maxLength: 17,
    });
    const text = fc.oneof(
      fc.ipV4(),
      fc.ipV6(),
      fc.string(),
      pieces.map((some) => some.join('')),
    );
    fc.assert(
      fc.property(text, (address) => {
        assert.equal(maskIp(address) !== undefined, isIP(address) !== 0 && !address.includes('%'), address);
      }),
      { numRuns: 1_000 },
    );
  });

  it('writes IPv6 as Node does, and the same for every address of a network', () => {
    fc.assert(
      fc.property(fc.ipV6(), (address) => {
        const masked = maskIp(address);
        assert.ok(masked !== undefined);
        assert.equal(maskIp(masked), masked);
        if (isIPv6(masked))
          assert.equal(new SocketAddress({ address: masked, family: 'ipv6' }).address, masked);
      }),
    );
  });
});

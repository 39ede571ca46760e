/**
 * The network an address lies in, as far as insights need it: IPv4 without its last octet (/24), IPv6 without its last 80
 * bits (/48), in the form of RFC 5952. An IPv4 address mapped into IPv6 (`::ffff:a.b.c.d`) is the IPv4 address.
 * Undefined when the text is no address; one with a zone (`fe80::1%eth0`) is none, as zones mean nothing elsewhere.
 */
export function maskIp(text: string): string | undefined {
  const octets = ipv4Octets(text);
  if (octets !== undefined) return maskedIpv4(octets);
  const groups = ipv6Groups(text);
  if (groups === undefined) return undefined;
  const isMapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
  if (isMapped) {
    const [high, low] = [groups[6]!, groups[7]!];
    return maskedIpv4([high >>> 8, high & 0xff, low >>> 8, low & 0xff]);
  }
  return maskedIpv6(groups);
}

const maskedIpv4 = ([a, b, c]: readonly number[]): string => `${a!}.${b!}.${c!}.0`;

/** The last five groups are zero, and so the longest run of zeros: `::` stands for it and for zeros right before it. */
function maskedIpv6(groups: readonly number[]): string {
  let kept = 3;
  while (kept > 0 && groups[kept - 1] === 0) kept--;
  const network = groups.slice(0, kept).map((group) => group.toString(16));
  return `${network.join(':')}::`;
}

/** No leading zeros: some readers take `010` for octal 8. */
const OCTET = '(25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)';
const IPV4 = new RegExp(`^${OCTET}\\.${OCTET}\\.${OCTET}\\.${OCTET}$`);

function ipv4Octets(text: string): number[] | undefined {
  return IPV4.exec(text)?.slice(1).map(Number);
}

/** RFC 4291, 2.2: eight groups, or fewer around one `::`; the last 32 bits may be written as IPv4. */
function ipv6Groups(text: string): number[] | undefined {
  // The longest form has 45 characters.
  if (text.length > 45 || !text.includes(':')) return undefined;
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, i) => groupsOf(half, i === halves.length - 1));
  if (head === undefined) return undefined;
  if (halves.length === 1) return head.length === 8 ? head : undefined;
  if (tail === undefined || head.length + tail.length > 7) return undefined;
  return [...head, ...Array.from({ length: 8 - head.length - tail.length }, () => 0), ...tail];
}

function groupsOf(text: string, mayEndInIpv4: boolean): number[] | undefined {
  if (text === '') return [];
  const groups: number[] = [];
  const parts = text.split(':');
  for (const [i, part] of parts.entries()) {
    const octets = mayEndInIpv4 && i === parts.length - 1 ? ipv4Octets(part) : undefined;
    if (octets !== undefined) groups.push((octets[0]! << 8) | octets[1]!, (octets[2]! << 8) | octets[3]!);
    else if (/^[0-9a-f]{1,4}$/i.test(part)) groups.push(parseInt(part, 16));
    else return undefined;
  }
  return groups;
}

import { isIP } from 'node:net'

/** What kind of address it is; only `public` may be reached without permission. */
export type AddressClass = 'public' | 'loopback' | 'private' | 'link-local' | 'reserved'

const v4Ranges: [string, number, AddressClass][] = [
  ['0.0.0.0', 8, 'reserved'],
  ['10.0.0.0', 8, 'private'],
  ['100.64.0.0', 10, 'private'],
  ['127.0.0.0', 8, 'loopback'],
  ['169.254.0.0', 16, 'link-local'],
  ['172.16.0.0', 12, 'private'],
  ['192.0.0.0', 24, 'reserved'],
  ['192.0.2.0', 24, 'reserved'],
  ['192.88.99.0', 24, 'reserved'],
  ['192.168.0.0', 16, 'private'],
  ['198.18.0.0', 15, 'private'],
  ['198.51.100.0', 24, 'reserved'],
  ['203.0.113.0', 24, 'reserved'],
  ['224.0.0.0', 4, 'reserved'],
  ['240.0.0.0', 4, 'reserved'],
]

const v4Number = (text: string): number => text.split('.').reduce((value, part) => value * 256 + Number(part), 0)

const classifyV4 = (value: number): AddressClass => {
  const found = v4Ranges.find(
    ([base, bits]) => Math.floor(value / 2 ** (32 - bits)) === Math.floor(v4Number(base) / 2 ** (32 - bits)),
  )
  return found?.[2] ?? 'public'
}

/** Eight 16-bit groups of an IPv6 address that `isIP` has accepted; a zone and a dotted tail are taken care of. */
const v6Groups = (text: string): number[] => {
  const bare = text.replace(/%.*$/, '').replace(/(\d+\.\d+\.\d+\.\d+)$/, (dotted) => {
    const value = v4Number(dotted)
    return `${Math.floor(value / 65_536).toString(16)}:${(value % 65_536).toString(16)}`
  })
  const [head = '', tail] = bare.split('::')
  const parse = (part: string) => (part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16)))
  const left = parse(head)
  const right = tail === undefined ? [] : parse(tail)
  return [...left, ...Array.from({ length: 8 - left.length - right.length }, () => 0), ...right]
}

/** Classifies an address as text; forms of IPv6 that carry an IPv4 address inside are judged by that one too. */
export const classifyAddress = (address: string): AddressClass => {
  const kind = isIP(address.replace(/%.*$/, ''))
  if (kind === 4) return classifyV4(v4Number(address))
  if (kind !== 6) return 'reserved'
  const g = v6Groups(address)
  const at = (index: number) => g[index] ?? 0
  const embedded = (high: number, low: number) => classifyV4(at(high) * 65_536 + at(low))
  const startsWithZeros = (count: number) => g.slice(0, count).every((group) => group === 0)
  if (startsWithZeros(7) && at(7) === 1) return 'loopback'
  if (startsWithZeros(5) && at(5) === 0xffff) return embedded(6, 7)
  if (startsWithZeros(4) && at(4) === 0xffff && at(5) === 0) return embedded(6, 7)
  if (startsWithZeros(6)) return at(6) === 0 && at(7) === 0 ? 'reserved' : embedded(6, 7)
  // NAT64 (RFC 6052, 8215), 6to4 (RFC 3056), ISATAP (RFC 5214): the inner address is where the packet ends.
  if (at(0) === 0x64 && at(1) === 0xff9b) return at(2) === 1 ? 'private' : embedded(6, 7)
  if (at(0) === 0x2002) return embedded(1, 2)
  if ((at(4) === 0 || at(4) === 0x200) && at(5) === 0x5efe) return embedded(6, 7)
  if (at(0) === 0x2001 && (at(1) === 0 || at(1) === 0xdb8)) return 'reserved'
  if ((at(0) & 0xfe00) === 0xfc00) return 'private'
  if ((at(0) & 0xffc0) === 0xfe80) return 'link-local'
  if ((at(0) & 0xffc0) === 0xfec0) return 'private'
  if ((at(0) & 0xff00) === 0xff00) return 'reserved'
  // Only 2000::/3 is handed out for the public network.
  return (at(0) & 0xe000) === 0x2000 ? 'public' : 'reserved'
}

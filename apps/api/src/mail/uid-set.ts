/** `1:5,9` from uids in any order (RFC 9051 sequence-set); empty for none. */
export const formatUidSet = (uids: Iterable<number>): string => {
  const sorted = [...uids].sort((a, b) => a - b)
  const ranges: string[] = []
  for (let i = 0; i < sorted.length; ) {
    const first = sorted[i] as number // i is below the length
    let last = first
    while (i < sorted.length && (sorted[i] as number) <= last + 1) last = sorted[i++] as number
    ranges.push(first === last ? `${first}` : `${first}:${last}`)
  }
  return ranges.join(',')
}

/** Cuts a list into pieces of at most `size`. */
export const chunksOf = <T>(list: readonly T[], size: number): T[][] =>
  Array.from({ length: Math.ceil(list.length / size) }, (_, n) => list.slice(n * size, (n + 1) * size))

/** First and last uid of a run without a gap. */
export type UidRange = [first: number, last: number]

/** A server's sequence-set as ascending ranges that do not touch; null when it is none. `*` is none either. */
export const parseUidSet = (text: string): UidRange[] | null => {
  const ranges: UidRange[] = []
  for (const piece of text.split(',')) {
    const match = /^(\d{1,10})(?::(\d{1,10}))?$/.exec(piece)
    if (!match) return null
    const [a, b] = [Number(match[1]), Number(match[2] ?? match[1])]
    if (a < 1 || b < 1 || a > maxUid || b > maxUid) return null
    ranges.push(a <= b ? [a, b] : [b, a])
  }
  return joinRanges(ranges)
}

const maxUid = 4_294_967_295

/** Uids in any order as ascending ranges that do not touch. */
export const rangesOf = (uids: number[]): UidRange[] => joinRanges(uids.map((uid) => [uid, uid]))

const joinRanges = (ranges: UidRange[]): UidRange[] => {
  const joined: UidRange[] = []
  for (const [first, last] of ranges.sort((a, b) => a[0] - b[0])) {
    const before = joined.at(-1)
    if (before && first <= before[1] + 1) before[1] = Math.max(before[1], last)
    else joined.push([first, last])
  }
  return joined
}

export const countUids = (ranges: UidRange[]): number =>
  ranges.reduce((sum, [first, last]) => sum + last - first + 1, 0)

/** Every uid of the ranges, newest first. */
export const newestFirst = (ranges: UidRange[]): number[] => {
  const uids: number[] = []
  for (const [first, last] of ranges.toReversed()) for (let uid = last; uid >= first; uid--) uids.push(uid)
  return uids
}

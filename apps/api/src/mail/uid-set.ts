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

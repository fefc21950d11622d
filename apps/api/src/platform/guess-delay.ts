/**
 * How long the next sign-in attempt of one source for one account must wait. Grows 0, 0, 0, 1, 2, 4, 8, 15 seconds and
 * forgets after an hour, so that nobody can be locked out for good by somebody else's guesses.
 */
const freeFailures = 3
const capMs = 15_000
const forgetMs = 3_600_000

export const guessDelayMs = (failures: number, lastAt: Date | null, now: Date): number => {
  if (!lastAt || failures < freeFailures || now.getTime() - lastAt.getTime() > forgetMs) return 0
  const wait = Math.min(capMs, 1000 * 2 ** (failures - freeFailures))
  return Math.max(0, lastAt.getTime() + wait - now.getTime())
}

/** The source of a request as guesses are counted: IPv6 neighbours of one /64 are one source. */
export const guessSource = (address: string): string => {
  const bare = address.replace(/^::ffff:(?=\d+\.)/, '')
  if (!bare.includes(':')) return bare
  const [head = '', tail = ''] = bare.split('::')
  const left = head === '' ? [] : head.split(':')
  const right = tail === '' ? [] : tail.split(':')
  const groups = bare.includes('::')
    ? [...left, ...Array.from({ length: Math.max(0, 8 - left.length - right.length) }, () => '0'), ...right]
    : left
  return `${groups.slice(0, 4).join(':')}::/64`
}

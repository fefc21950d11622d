/**
 * Asks again until `probe` answers something, within `ms`; the last error or emptiness is reported. By a clock that no test sets:
 * where `Date` stands still, `ms` would never be over.
 */
export const until = async <T>(
  probe: () => Promise<T | null | undefined | false>,
  { ms = 30_000, what = 'the awaited state' } = {},
): Promise<T> => {
  const deadline = performance.now() + ms
  let problem: unknown
  while (performance.now() < deadline) {
    try {
      const found = await probe()
      if (found) return found
      problem = undefined
    } catch (error) {
      problem = error
    }
    await new Promise((done) => setTimeout(done, 20))
  }
  throw new Error(`${what} did not come within ${ms} ms`, { cause: problem })
}

/** Asks again until `probe` answers something, within `ms`; the last error or emptiness is reported. */
export const until = async <T>(
  probe: () => Promise<T | null | undefined | false>,
  { ms = 30_000, what = 'the awaited state' } = {},
): Promise<T> => {
  const deadline = Date.now() + ms
  let problem: unknown
  while (Date.now() < deadline) {
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

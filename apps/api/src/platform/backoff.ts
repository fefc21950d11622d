/** Full jitter: anywhere between zero and the exponential cap, so that many accounts never return in step. Milliseconds. */
export const backoffMs = (
  failures: number,
  { baseMs, capMs }: { baseMs: number; capMs: number },
  random: () => number = Math.random,
): number => Math.round(random() * Math.min(capMs, baseMs * 2 ** Math.min(failures, 30)))

import { AppError } from '#platform/errors.ts'
import { guessDelayMs, guessSource } from '#platform/guess-delay.ts'
import type { Store } from '#store/open-store.ts'

/** Guesses are counted per source and account, so that a stranger's guesses never delay the person at home. */
const keyOf = (address: string, account: string): string => `${guessSource(address)} ${account.toLowerCase()}`

/**
 * Counts a guess before it is looked at, one after the other, so that guesses sent at once gain nothing; `forgetGuesses`
 * when it was right. Throws request.too_many while this source has to wait.
 */
export const takeGuess = async (store: Store, address: string, account: string): Promise<void> => {
  const key = keyOf(address, account)
  const waitMs = await store.prisma.$transaction(async (tx) => {
    await tx.$executeRaw`
      INSERT INTO auth_failure (key, failures, last_at) VALUES (${key}, 0, now()) ON CONFLICT (key) DO NOTHING`
    const [row] = await tx.$queryRaw<{ failures: number; last_at: Date }[]>`
      SELECT failures, last_at FROM auth_failure WHERE key = ${key} FOR UPDATE`
    const wait = guessDelayMs(row?.failures ?? 0, row?.last_at ?? null, new Date())
    if (wait === 0)
      await tx.$executeRaw`
        UPDATE auth_failure SET failures = CASE WHEN last_at < now() - interval '1 hour' THEN 1 ELSE failures + 1 END, last_at = now()
        WHERE key = ${key}`
    return wait
  })
  if (waitMs > 0)
    throw new AppError('request.too_many', 'Too many wrong passwords.', {
      hint: `Try again in ${Math.ceil(waitMs / 1000)} seconds.`,
      retryAfterMs: waitMs,
    })
}

export const forgetGuesses = async (store: Store, address: string, account: string): Promise<void> => {
  await store.prisma.authFailure.deleteMany({ where: { key: keyOf(address, account) } })
}

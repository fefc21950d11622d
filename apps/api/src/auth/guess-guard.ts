import { AppError } from '#platform/errors.ts'
import { guessDelayMs, guessSource } from '#platform/guess-delay.ts'
import type { Store } from '#store/open-store.ts'

/** Guesses are counted per source and account, so that a stranger's guesses never delay the person at home. */
const keyOf = (address: string, account: string): string => `${guessSource(address)} ${account.toLowerCase()}`

/** Throws request.too_many while this source has to wait. */
export const requireGuessAllowed = async (store: Store, address: string, account: string, now: Date): Promise<void> => {
  const row = await store.readSystem((tx) => tx.authFailure.findUnique({ where: { key: keyOf(address, account) } }))
  const waitMs = guessDelayMs(row?.failures ?? 0, row?.lastAt ?? null, now)
  if (waitMs > 0)
    throw new AppError('request.too_many', 'Too many wrong passwords.', {
      hint: `Try again in ${Math.ceil(waitMs / 1000)} seconds.`,
      retryAfterMs: waitMs,
    })
}

export const countWrongGuess = async (store: Store, address: string, account: string): Promise<void> => {
  const key = keyOf(address, account)
  await store.prisma.$executeRaw`
    INSERT INTO auth_failure (key, failures, last_at) VALUES (${key}, 1, now())
    ON CONFLICT (key) DO UPDATE SET failures = CASE WHEN auth_failure.last_at < now() - interval '1 hour' THEN 1 ELSE auth_failure.failures + 1 END, last_at = now()`
}

export const forgetGuesses = async (store: Store, address: string, account: string): Promise<void> => {
  await store.prisma.authFailure.deleteMany({ where: { key: keyOf(address, account) } })
}

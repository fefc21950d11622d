import { hash, verify } from '@node-rs/argon2'
import type { ZxcvbnFactory } from '@zxcvbn-ts/core'
import { AppError } from '#platform/errors.ts'

/** Argon2id as OWASP asks for it: 19 MiB, two passes. */
const cost = { memoryCost: 19_456, timeCost: 2, parallelism: 1 }
const neededScore = 3

export const hashPassword = (password: string): Promise<string> => hash(password, cost)

let dummy: Promise<string> | undefined

/** Constant work also when there is no such user, so that nobody learns who exists by timing. */
export const verifyPassword = async (stored: string | null, password: string): Promise<boolean> => {
  dummy ??= hashPassword('nobody has this password')
  const isRight = await verify(stored ?? (await dummy), password)
  return stored !== null && isRight
}

let meter: Promise<ZxcvbnFactory> | undefined

/** Its word lists take 26 MiB, for something that happens a few times in a year: loaded when first asked for. */
const loadMeter = async (): Promise<ZxcvbnFactory> => {
  const [{ ZxcvbnFactory }, common, english] = await Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ])
  return new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  })
}

/** Throws auth.weak_password, with what would help. `about` are words the person is known by. */
export const requireStrongPassword = async (password: string, about: string[]): Promise<void> => {
  meter ??= loadMeter()
  const { score, feedback } = (await meter).check(password.slice(0, 100), about)
  if (score >= neededScore) return
  throw new AppError('auth.weak_password', feedback.warning || 'This password could be guessed too easily.', {
    hint: feedback.suggestions[0] ?? 'Four or five unrelated words make a good password.',
    fields: { password: 'is too easy to guess' },
  })
}

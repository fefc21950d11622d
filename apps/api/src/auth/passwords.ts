import { hash, verify } from '@node-rs/argon2'
import { ZxcvbnFactory } from '@zxcvbn-ts/core'
import * as common from '@zxcvbn-ts/language-common'
import * as english from '@zxcvbn-ts/language-en'
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

let meter: ZxcvbnFactory | undefined

/** Throws auth.weak_password, with what would help. `about` are words the person is known by. */
export const requireStrongPassword = (password: string, about: string[]): void => {
  meter ??= new ZxcvbnFactory({
    dictionary: { ...common.dictionary, ...english.dictionary },
    graphs: common.adjacencyGraphs,
    translations: english.translations,
  })
  const { score, feedback } = meter.check(password.slice(0, 100), about)
  if (score >= neededScore) return
  throw new AppError('auth.weak_password', feedback.warning || 'This password could be guessed too easily.', {
    hint: feedback.suggestions[0] ?? 'Four or five unrelated words make a good password.',
    fields: { password: 'is too easy to guess' },
  })
}

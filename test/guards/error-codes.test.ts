import { readdirSync } from 'node:fs'
import { join } from 'node:path'
import { type RestName, rest } from '@postern/shared/rest.ts'
import { expect, it } from 'vitest'
import { codesOf } from '../../apps/api/src/openapi.ts'
import { handlersIn, thrownBy } from './thrown-codes.ts'

/** What stands in the source and is still never answered. */
const unanswered = [
  // Reads what it has just made.
  /^createAccount: not_found/,
  /^(acceptInvitation|createOwner|signIn): auth\.required/,
  // Attachments are fetched behind the answer.
  /^(listDrafts|getDraft): (message\.(unavailable|too_large)|storage\.full|lease\.lost|request\.conflict|not_found)/,
  /^saveDraft: message\.(unavailable|too_large)/,
  // Carried out by the engine, at the mail server.
  /^(runCommand|answerReceipt): (connect|login|tls|mailbox\.refused)/,
  // Whoever does not answer has no settings to offer.
  /^discover: /,
]
const features = 'apps/api/src/features'
const handlers = readdirSync(features, { recursive: true, encoding: 'utf8' })
  .filter((path) => path.endsWith('.ts') && !path.endsWith('.test.ts'))
  .flatMap((path) => handlersIn(join(features, path)))

it('every operation declares the error codes that its code can throw', () => {
  expect(handlers.map(({ name }) => name).toSorted()).toEqual(Object.keys(rest).toSorted())
  const undeclared = handlers.flatMap((handler) => {
    const declared: string[] = codesOf(handler.name as RestName) // compared with the table above
    return thrownBy(handler)
      .filter(({ code }) => !declared.includes(code))
      .map(({ code, file }) => `${handler.name}: ${code} (${file})`)
  })
  expect(undeclared.filter((line) => !unanswered.some((known) => known.test(line)))).toEqual([])
  // One that is needed no longer would hide the next omission.
  expect(unanswered.filter((known) => !undeclared.some((line) => known.test(line)))).toEqual([])
})

import { expect, it } from 'vitest'
import { whyNot } from './report-words.ts'

it.each([
  ['5.1.1', 'noMailbox'],
  ['5.1.10', 'noMailbox'],
  ['4.2.2', 'full'],
  ['5.3.4', 'tooLarge'],
  ['4.4.1', 'unreachable'],
  ['5.7.26', 'refused'],
  ['5.0.0', null],
  ['2.1', null],
  [null, null],
])('says in words what %s means', (status, why) => {
  expect(whyNot(status)).toBe(why)
})

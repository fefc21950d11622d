import { expect, it } from 'vitest'
import { isFoundBy, isMachine, readCorrespondent } from './correspondent.ts'

it('an address is one, however it was written; what is none is nobody', () => {
  expect(readCorrespondent({ name: ' Jo\u202e \n Ü ', address: 'Jo@XN--BCHER-KVA.example' })).toEqual({
    name: 'Jo Ü',
    address: 'jo@bücher.example',
  })
  expect(readCorrespondent({ name: 'A@Example.org', address: 'a@example.org' })?.name).toBe('')
  for (const address of ['', 'jo', 'jo@', 'a@b@c d', `${'x'.repeat(400)}@example.org`])
    expect(readCorrespondent({ name: '', address })).toBeNull()
})

it('machines are told from people by their address', () => {
  for (const local of [
    'no-reply',
    'noreply+x',
    'shop.donotreply',
    'MAILER-DAEMON',
    'bounce-12',
    'notifications',
    'no_reply',
  ])
    expect([local, isMachine(`${local}@example.org`)]).toEqual([local, true])
  for (const local of ['nora', 'norbert.reply', 'bob', 'newsletterman', 'noel', 'alertina'])
    expect([local, isMachine(`${local}@example.org`)]).toEqual([local, false])
})

it('somebody is found by how any word begins, without its accents', () => {
  const one = { name: 'Zoë Ångström', address: 'z.angst@lund.example' }
  expect([['ang'], ['zoe', 'lund'], ['z', 'angst']].every((wanted) => isFoundBy(one, wanted))).toBe(true)
  expect([['strom'], ['zoe', 'bob']].some((wanted) => isFoundBy(one, wanted))).toBe(false)
})

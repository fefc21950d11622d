import type { DraftContent } from '@postern/shared/drafts.ts'
import { describe, expect, it } from 'vitest'
import { attachmentWord, listWarnings, type ToCheck } from './compose-warnings.ts'

const content: DraftContent = {
  identityId: '1',
  to: [{ name: '', address: 'ada@firm.example' }],
  cc: [],
  bcc: [],
  subject: 'Lunch',
  text: '',
  html: null,
  about: null,
  quotes: false,
  wantsReceipt: false,
  wantsReport: false,
}
const kinds = (change: Partial<Omit<ToCheck, 'content'>> & { content?: Partial<DraftContent> } = {}) =>
  listWarnings({
    written: 'See you at noon.',
    attachments: 0,
    ownAddress: 'robin@firm.example',
    conversation: null,
    ...change,
    content: { ...content, ...change.content },
  }).map(({ kind }) => kind)
const to = (...addresses: string[]) => ({ to: addresses.map((address) => ({ name: '', address })) })

describe('warnings before sending', () => {
  it('are none for an ordinary mail', () => expect(kinds()).toEqual([]))

  it('miss an attachment that was promised, in many languages', () => {
    const said = [
      'I attached the plan.',
      'Please see the attachment!',
      'Der Plan ist im Anhang.',
      'Anbei die Zahlen',
      'Vous trouverez ci-joint le plan',
      'la pièce jointe',
      'te adjunto el plan',
      'segue em anexo',
      'in allegato il piano',
      'zie de bijlage',
      'w załączeniu',
      'Bifogat finns planen',
      'viz příloha',
      'Во вложении план',
      'ファイルを添付します',
      '请见附件。',
    ]
    for (const text of said) expect([text, attachmentWord(text) !== null]).toEqual([text, true])
    expect(kinds({ written: 'The plan is attached.' })).toEqual(['attachment'])
    expect(kinds({ written: 'The plan is attached.', attachments: 1 })).toEqual([])
  })

  it('of a mail that answers none say so where its subject was to be filled in', () => {
    const warned = (change: Partial<DraftContent>) =>
      listWarnings({
        ...{ written: 'See you.', attachments: 0, ownAddress: 'robin@firm.example', conversation: null },
        content: { ...content, text: 'About {answered.subject}', ...change },
      }).map((warning) => warning.kind === 'placeholders' && warning.answersNone)
    expect(warned({})).toEqual([true])
    expect(warned({ about: { kind: 'reply', messageId: '1' } })).toEqual([false])
    expect(warned({ text: 'Dear {recipient.name}' })).toEqual([false])
  })

  it('take no quoted line and no part of a longer word for a promise', () => {
    expect(attachmentWord('> see the attachment\nThanks!')).toBeNull()
    expect(attachmentWord('We are unattached, reattachment is no topic, objekte neither')).toBeNull()
  })

  it('tell of a mail without subject or text, but not of one that passes another on', () => {
    expect(kinds({ content: { subject: ' ' }, written: '\n' })).toEqual(['subject', 'text'])
    expect(kinds({ content: { quotes: true, about: { messageId: '1', kind: 'forward' } }, written: '' })).toEqual([])
    expect(kinds({ content: { quotes: true, about: { messageId: '1', kind: 'reply' } }, written: '' })).toEqual([
      'text',
    ])
    expect(kinds({ written: '', attachments: 1 })).toEqual([])
    expect(kinds({ written: '', content: { html: '<p><img src="cid:1@postern"></p>' } })).toEqual([])
  })

  it('advise Bcc from the eleventh visible recipient on', () => {
    const many = Array.from({ length: 11 }, (_, n) => `p${n}@firm.example`)
    expect(kinds({ content: to(...many) })).toEqual(['many'])
    expect(kinds({ content: to(...many.slice(1)) })).toEqual([])
  })

  it('name domains that were in no mail before, when answering from a domain of one’s own', () => {
    const conversation = [{ name: '', address: 'zed@partner.example' }]
    expect(kinds({ conversation, content: to('ada@firm.example', 'zed@eu.partner.example') })).toEqual([])
    expect(kinds({ conversation, content: to('zed@partner.example', 'eve@firm-example.test') })).toEqual(['external'])
    expect(kinds({ conversation, ownAddress: 'robin@gmail.com', content: to('eve@else.test') })).toEqual([])
    expect(kinds({ conversation: null, content: to('eve@else.test') })).toEqual([])
  })
})

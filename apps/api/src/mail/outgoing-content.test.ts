import { expect, it } from 'vitest'
import type { OutgoingPart } from './compose-message.ts'
import { outgoingContent, type WrittenMail } from './outgoing-content.ts'

const part = (filename: string, contentId: string | null): OutgoingPart => ({
  filename,
  contentType: 'image/png',
  contentId,
  octets: async function* () {
    yield Buffer.from(filename)
  },
})
const mail = (more: Partial<WrittenMail>): WrittenMail => ({
  text: '',
  html: null,
  attachments: [],
  original: null,
  zoneMinutes: 0,
  domain: 'example.org',
  ...more,
})
const names = (parts: OutgoingPart[]) => parts.map(({ filename }) => filename)

it('pictures go along where they are shown, and as files where nothing is', () => {
  const attachments = [part('shown', 'a@x'), part('taken out', 'b@x'), part('file', null)]
  const rich = outgoingContent(mail({ html: '<p>hi</p><img src="cid:a@x">', attachments }))
  expect([names(rich.inline), names(rich.attachments), rich.text]).toEqual([['shown'], ['file'], 'hi'])
  const plain = outgoingContent(mail({ text: 'hi', attachments }))
  expect([names(plain.inline), names(plain.attachments), plain.html]).toEqual([[], names(attachments), null])
  expect(plain.attachments.every(({ contentId }) => contentId === null)).toBe(true)
})

it('a picture that stands in the HTML becomes a part, once', () => {
  const picture = '<img alt="logo" src="data:image/png;base64,aGVsbG8=">'
  const { html, inline } = outgoingContent(
    mail({ html: `${picture}<p>${picture}</p><img src="data:image/svg+xml;base64,aGk=">` }),
  )
  const id = inline[0]?.contentId
  expect([inline.length, inline[0]?.contentType, html?.split(`src="cid:${id}"`).length]).toEqual([1, 'image/png', 3])
  expect(html).toContain('data:image/svg+xml')
})

it('a quoted original brings the pictures that it shows', () => {
  const original = {
    kind: 'reply' as const,
    from: [],
    to: [],
    cc: [],
    subject: '',
    date: new Date(0),
    text: 'was',
    html: '<img src="cid:one%40x"><img src=\'cid:two@x\'>',
    pictures: [part('one', 'one@x'), part('two', 'two@x'), part('three', 'three@x')],
  }
  const rich = outgoingContent(mail({ html: '<p>new</p>', original }))
  expect([names(rich.inline), rich.html?.includes(original.html), rich.text.endsWith('wrote:\n> was')]).toEqual([
    ['one', 'two'],
    true,
    true,
  ])
  expect(outgoingContent(mail({ text: 'new', original })).inline).toEqual([])
})

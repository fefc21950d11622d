import { describe, expect, it } from 'vitest'
import {
  fillText,
  fillWithCursor,
  firstNameOf,
  openPlaceholders,
  placeholderValues,
  placesToFill,
  type ToFillFrom,
  withChips,
  withoutTokens,
} from './placeholders.ts'

const ann = { name: 'Ann Berg', address: 'ann@example.org' }
const bob = { name: 'Bob', address: 'bob@example.org' }
const from = (more: Partial<ToFillFrom> = {}) =>
  placeholderValues({
    to: [ann],
    sender: { name: 'Robin', address: 'robin@example.org' },
    answeredSubject: 'Re: AW: Garden plans',
    now: new Date('2026-11-26T23:30:00Z'),
    ...{ locale: 'en-GB', timeZone: 'Europe/Berlin' },
    ...more,
  })

describe('what a template is filled in with', () => {
  it('is what the mail says, and the day in the zone of the person', () => {
    expect(from()).toEqual({
      'recipient.firstName': 'Ann',
      'recipient.name': 'Ann Berg',
      'recipient.address': 'ann@example.org',
      'sender.name': 'Robin',
      'sender.address': 'robin@example.org',
      'today.date': '27 November 2026',
      'answered.subject': 'Garden plans',
    })
    expect(from({ locale: 'de', timeZone: 'UTC' })['today.date']).toBe('26. November 2026')
  })

  it('is not there before it is known', () => {
    const open = from({ to: [{ name: 'Ann', address: 'ann@' }], sender: undefined, answeredSubject: null })
    expect(Object.keys(open)).toEqual(['today.date'])
  })

  it('names all recipients, or none when one has no name', () => {
    expect(from({ to: [ann, bob] })['recipient.firstName']).toBe('Ann and Bob')
    const nameless = from({ to: [ann, { name: 'carl@example.org', address: 'carl@example.org' }] })
    expect(nameless).not.toHaveProperty('recipient.name')
    expect(nameless['recipient.address']).toBe('ann@example.org and carl@example.org')
  })

  it('stays one line of text, and makes no other placeholder', () => {
    const name = 'Eve\r\n{sender.address} \u202e<b>'
    expect(from({ to: [{ name, address: 'e@example.org' }] })['recipient.name']).toBe('Eve sender.address <b>')
  })

  it.each([
    ['Ann Berg', 'Ann'],
    ['Berg, Ann', 'Ann'],
    ['Prof. Dr. Ann Berg', 'Ann'],
    ['Dipl.-Ing. Ann Berg', 'Ann'],
    ['Frau Ann-Marie Berg (Harbour Ltd)', 'Ann-Marie'],
    ['Berg, Dr. Ann', 'Ann'],
    ['Ann Berg, PhD', 'Ann'],
    ['J. Ann Berg', 'Ann'],
    ['J. R. R. Berg', 'J. R. R. Berg'],
    ['Mia', 'Mia'],
    ['山田 太郎', '山田 太郎'],
    ['', ''],
  ])('greets %j as %j', (name, first) => {
    expect(firstNameOf(name)).toBe(first)
  })

  it('looks through a name once, however long it is', () => {
    expect(firstNameOf(`Ann${' '.repeat(300_000)}x, Jr`)).toBe('Ann')
  })
})

describe('filling in', () => {
  const text = 'Dear {recipient.firstName}, on {today.date}'
  it('leaves what is not known, what is quoted, and what only looks alike', () => {
    expect(fillText(text, { 'recipient.firstName': '$& {today.date}' })).toBe('Dear $& {today.date}, on {today.date}')
    // biome-ignore lint/suspicious/noTemplateCurlyInString: as in the text of a program
    const other = '{{sender.name}} ${sender.name} {sender.age} {}'
    expect(fillText(other, from())).toBe(other)
    expect(placesToFill('{sender.name}\n> {sender.name}\na {sender.name}{cursor.here}', from())).toEqual([
      { from: 0, to: 13, value: 'Robin' },
      { from: 32, to: 45, value: 'Robin' },
    ])
  })

  it('never fills in what others wrote, which looks as they wrote it', () => {
    const chip = withChips('{sender.name}')
    const own = withoutTokens(`${chip}<p>{today.date}</p>`)
    expect(own).toBe(`${chip}<p>{\u2060today.date}</p>`)
    expect(placesToFill(own.replace(/<[^>]*>/g, ''), from())).toMatchObject([{ value: 'Robin' }])
  })

  it('says where one goes on writing, which is the end where nothing says it', () => {
    expect(fillWithCursor('Dear {recipient.name},\n{cursor.here}\nYours{cursor.here}', from())).toEqual({
      text: 'Dear Ann Berg,\n\nYours',
      cursor: 15,
    })
    expect(fillWithCursor('Yours', {})).toEqual({ text: 'Yours', cursor: 5 })
  })

  it('finds what is left in the subject, in rich text, and in what was written oneself of plain text', () => {
    const html = withChips('a <b> {sender.name}\n> {sender.address}\n{today.date}')
    expect(html).toContain('a &lt;b&gt; <span data-placeholder="sender.name">{sender.name}</span></div>')
    const mail = { subject: '{answered.subject}', text: '', html }
    expect(openPlaceholders(mail)).toEqual(['answered.subject', 'sender.name', 'today.date'])
    expect(openPlaceholders({ subject: '', html: null, text: 'a {sender.name}\n> {today.date}' })).toEqual([
      'sender.name',
    ])
  })
})

import { describe, expect, it } from 'vitest'
import { toArrivalEnvelope } from './arrival-envelope.ts'
import { beginsWithField } from './read-envelope.ts'

const now = new Date('2026-11-24T12:00:00Z')
const cameAt = new Date('2011-07-08T00:00:00Z')
const fileAt = new Date('2012-07-08T00:00:00Z')
const received = 'Received: from a by b; Thu, 1 Jan 2015 00:00:00 +0000'
const sent = 'Date: Fri, 1 Jan 2010 00:00:00 +0000'
const day = async (fields: string[], times: { cameAt?: Date | null; fileAt?: Date | null } = {}) => {
  const facts = { rawHash: Buffer.alloc(32), sizeBytes: 1, now, ...times }
  const raw = Buffer.from([...fields, 'Subject: a', '', 'text'].join('\r\n'))
  return (await toArrivalEnvelope(raw, facts)).receivedAt.toISOString().slice(0, 10)
}

describe('when a mail was received', () => {
  it('says the topmost Received line, else whoever kept it, else its Date header, else its file, else that it is here now', async () => {
    const both = { cameAt, fileAt }
    expect(await day([received, 'Received: by c; Fri, 2 Jan 2009 00:00:00 +0000', sent], both)).toBe('2015-01-01')
    expect(await day([sent], both)).toBe('2011-07-08')
    expect(await day([sent], { cameAt: null, fileAt })).toBe('2010-01-01')
    expect(await day([sent])).toBe('2010-01-01')
    expect(await day(['Date: tomorrow'], { fileAt })).toBe('2012-07-08')
    expect(await day([])).toBe('2026-11-24')
  })

  it('is not what a program wrote that did not know it', async () => {
    for (const filler of ['1965-01-01', '1970-01-01', '2099-01-01'].map((text) => new Date(text))) {
      expect(await day([sent], { cameAt: filler })).toBe('2010-01-01')
      expect(await day([], { fileAt: filler })).toBe('2026-11-24')
    }
  })

  it('is never later than now because of a Date header, nor than tomorrow, nor before 1990', async () => {
    expect(await day(['Date: Fri, 1 Jan 2099 00:00:00 +0000'], { fileAt })).toBe('2026-11-24')
    expect(await day(['Date: Thu, 1 Jan 1970 00:00:00 +0000'])).toBe('1990-01-01')
    expect(await day(['Received: by b; Thu, 1 Jan 2099 00:00:00 +0000', sent])).toBe('2026-11-25')
  })
})

describe('a file is a mail', () => {
  it('when it begins with a field, below whatever else is put there', () => {
    const of = (text: string) => beginsWithField(Buffer.from(text))
    for (const text of ['Subject: a', 'X-Odd_1 : a', '\ufeffSubject: a', 'From a Fri Jul  8\r\n>From b\r\nTo: c'])
      expect(of(text), text).toBe(true)
    for (const text of ['', 'Dear Zed', 'From here to there', 'Dear Zed: hello', ' folded: a', ': a'])
      expect(of(text), text).toBe(false)
  })
})

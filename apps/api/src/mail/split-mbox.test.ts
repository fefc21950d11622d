import { describe, expect, it } from 'vitest'
import { ANSWERED, DELETED, FLAGGED, SEEN } from './flags.ts'
import { flagsOfFileName, flagsOfHeader } from './kept-flags.ts'
import { fromLineDate, splitMbox, timesOfFromLine } from './split-mbox.ts'

async function* inPieces(text: string, size: number): AsyncGenerator<Buffer> {
  const bytes = Buffer.from(text, 'latin1')
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size)
}

const split = async (text: string, size = 1_000_000): Promise<string[]> => {
  const mails: string[] = []
  for await (const { octets } of splitMbox(inPieces(text, size))) {
    const pieces: Buffer[] = []
    for await (const piece of octets) pieces.push(piece)
    mails.push(Buffer.concat(pieces).toString('latin1'))
  }
  return mails
}

const start = 'From ann@example.org Fri Jul  8 12:08:34 2011'
const cases: Record<string, { mbox: string; mails: string[] }> = {
  'two mails': {
    mbox: `${start}\nSubject: a\n\nOne\n\n${start}\nSubject: b\n\nTwo\n\n`,
    mails: ['Subject: a\r\n\r\nOne\r\n', 'Subject: b\r\n\r\nTwo\r\n'],
  },
  'CRLF, eight bits, NUL and no last line end': {
    mbox: `${start}\r\nSubject: a\r\n\r\nGr\xfc\0\xdfe\r\n\r\n${start}\r\nSubject: b\r\n\r\nTwo`,
    mails: ['Subject: a\r\n\r\nGr\xfc\0\xdfe\r\n', 'Subject: b\r\n\r\nTwo'],
  },
  'quoted lines': {
    mbox: `${start}\nSubject: a\n\n>From here\n>>From there\n> From afar\n>Fromage\n\n`,
    mails: ['Subject: a\r\n\r\nFrom here\r\n>From there\r\n> From afar\r\n>Fromage\r\n'],
  },
  'a paragraph that begins with From, and a From line inside one': {
    mbox: `${start}\nSubject: a\n\nHello\n\nFrom now on\n${start}\n\n`,
    mails: [`Subject: a\r\n\r\nHello\r\n\r\nFrom now on\r\n${start}\r\n`],
  },
  'From lines without a date': {
    mbox: 'From ann\nSubject: a\n\nOne\n\nFrom bob\nSubject: b\n\nTwo\n',
    mails: ['Subject: a\r\n\r\nOne\r\n', 'Subject: b\r\n\r\nTwo\r\n'],
  },
  'both styles, as one program left them': {
    mbox: `From - Thu Nov 26 01:00:00 2020\nSubject: a\n\nOne\n\nFrom \r\nX-Mozilla-Status: 0001\r\n\r\nTwo\r\n\r\nFrom bob@example.org\nSubject : c\n\nThree\n\n${start}\nSubject: d\n\nFour\n`,
    mails: [
      'Subject: a\r\n\r\nOne\r\n',
      'X-Mozilla-Status: 0001\r\n\r\nTwo\r\n',
      'Subject : c\r\n\r\nThree\r\n',
      'Subject: d\r\n\r\nFour\r\n',
    ],
  },
  'bare ones only, and texts with lines like them': {
    mbox: 'From \nSubject: a\n\nOne\n\nFrom \nis a word\n\nFrom now on\nTo: all\n\n>From \nSubject: x\nFrom \nSubject: y\n\nFrom \nSubject: b\n\nFrom ',
    mails: [
      'Subject: a\r\n\r\nOne\r\n\r\nFrom \r\nis a word\r\n\r\nFrom now on\r\nTo: all\r\n\r\nFrom \r\nSubject: x\r\nFrom \r\nSubject: y\r\n',
      'Subject: b\r\n\r\nFrom ',
    ],
  },
  'no text at all, and empty lines that belong to a text': {
    mbox: `\n\n${start}\nSubject: a\n\n${start}\nSubject: b\n\n\n${start}\nSubject: c\n\nText\n\n\n\n`,
    mails: ['Subject: a\r\n\r\n', 'Subject: b\r\n\r\n', 'Subject: c\r\n\r\nText\r\n\r\n\r\n'],
  },
  'a Content-Length that leads to the next mail': {
    mbox: `${start}\nContent-Length: ${start.length + 12}\n\nHello\n\n${start}\n>From\n\n${start}\nSubject: b\n\n`.replace(
      '>From\n\n',
      'end\n\n',
    ),
    mails: [`Content-Length: ${start.length + 12}\r\n\r\nHello\r\n\r\n${start}\r\nend\r\n`, 'Subject: b\r\n\r\n'],
  },
  'a Content-Length that leads nowhere': {
    mbox: `${start}\nContent-Length: 30\n\nHello\n\n${start}\nSubject: b\n\nend\n`,
    mails: ['Content-Length: 30\r\n\r\nHello\r\n', 'Subject: b\r\n\r\nend\r\n'],
  },
  'a line longer than any line': {
    mbox: `${start}\nSubject: a\n\n${'x'.repeat(150_000)}\r\nend\n\n${start}\nSubject: b\n\n`,
    mails: [`Subject: a\r\n\r\n${'x'.repeat(150_000)}\r\nend\r\n`, 'Subject: b\r\n\r\n'],
  },
}

describe('an mbox file', () => {
  it.each(Object.entries(cases))('is split into its mails: %s', async (_, { mbox, mails }) => {
    expect(await split(mbox)).toEqual(mails)
  })

  it('is split alike wherever its bytes are cut', async () => {
    for (const { mbox, mails } of Object.values(cases))
      for (const size of [1, 2, 3, 7]) if (mbox.length < 10_000) expect(await split(mbox, size)).toEqual(mails)
  })

  it('goes on with the next mail when one was not read', async () => {
    const from: string[] = []
    for await (const { fromLine, octets } of splitMbox(inPieces(cases['two mails']?.mbox ?? '', 5))) {
      from.push(fromLine)
      for await (const _ of octets) break
    }
    expect(from).toEqual([start, start])
  })

  it('is never held as a whole, however large it or one mail in it is', async () => {
    const line = Buffer.from(`${'x'.repeat(75)}\n`)
    const block = Buffer.concat(Array.from({ length: 1000 }, () => line))
    let given = 0
    let most = 0
    async function* endless(): AsyncGenerator<Buffer> {
      yield Buffer.from(`${start}\nContent-Length: 20000000\n\n`)
      for (let n = 0; n < 300; n++) {
        given += block.length
        yield block
        if (n === 100) yield Buffer.from(`\n${start}\nContent-Length: 99999999999\n\n\n${start}\n\n`)
      }
    }
    let taken = 0
    let mails = 0
    for await (const { octets } of splitMbox(endless())) {
      mails++
      for await (const piece of octets) {
        taken += piece.length
        most = Math.max(most, given - taken)
      }
    }
    expect([mails, given]).toEqual([3, 300 * block.length])
    expect(most).toBeLessThan(1024 * 1024)
  })

  it('is none without a From line, and holds nothing when it is empty', async () => {
    await expect(split('Subject: a\n\nHello\n')).rejects.toMatchObject({ code: 'import.no_mail' })
    expect(await split('\n\n')).toEqual([])
  })

  it('says when a mail came', () => {
    const noon = new Date('2011-07-08T12:08:34Z')
    for (const line of [
      start,
      'From - Fri Jul  8 12:08:34 2011',
      'From 17@xxx Fri Jul 08 12:08:34 +0000 2011',
      'From a Fri Jul 8 14:08:34 2011 +0200',
    ])
      expect(fromLineDate(line), line).toEqual(noon)
    expect(fromLineDate('From ann Foo 99 99:99 2011')).toBeNull()
    expect(fromLineDate('From ann Feb 77 99:99 2011')).toBeNull()
    expect(timesOfFromLine(start)).toEqual({ cameAt: noon, fileAt: null })
    expect(timesOfFromLine('From - Fri Jul  8 12:08:34 2011')).toEqual({ cameAt: null, fileAt: noon })
  })
})

describe('flags that are kept beside a mail', () => {
  it('are read from the name of a file', () => {
    expect(flagsOfFileName('1234.M1P2.host,S=5:2,FRS')).toEqual({ bits: FLAGGED | ANSWERED | SEEN, keywords: [] })
    expect(flagsOfFileName('1234.host;2,PT')).toEqual({ bits: DELETED, keywords: ['$Forwarded'] })
    expect(flagsOfFileName('1234.host!2,')).toEqual({ bits: 0, keywords: [] })
    expect(flagsOfFileName('letter.eml')).toBeNull()
  })

  it('are read from the header', () => {
    const of = (header: string) => flagsOfHeader(Buffer.from(header))
    expect(of('Status: RO\r\nX-Status: AF\r\nSubject: x')).toEqual({ bits: SEEN | ANSWERED | FLAGGED, keywords: [] })
    expect(of('X-Mozilla-Status: 1003\r\nX-Mozilla-Keys: $label1 \x01\r\n  NonJunk   ')).toEqual({
      bits: SEEN | ANSWERED,
      keywords: ['$Forwarded', '$label1', 'NonJunk'],
    })
    expect(of('X-Mozilla-Status: 0009').bits).toBe(SEEN | DELETED)
    expect(of('X-Gmail-Labels: Inbox,Starred').bits).toBe(SEEN | FLAGGED)
    expect(of('X-Gmail-Labels: Inbox,Unread').bits).toBe(0)
    expect(of('Subject: Status: R\r\nX-Mozilla-Status: zz')).toEqual({ bits: 0, keywords: [] })
  })
})

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { decodePart } from './decode-part.ts'
import { DELETED, effectivePlacement, FLAGGED, parseFlags, SEEN } from './flags.ts'
import { htmlToText } from './html-to-text.ts'
import { assignRoles } from './mailbox-role.ts'
import { previewOf } from './preview.ts'
import { indexVector } from './search-vector.ts'
import { displayLine } from './storable-text.ts'
import { identityKey, parseMessageIds, referenceHashes, sortDate } from './threading.ts'
import { parseQuery, tokensOf, toTsquery } from './tokenize.ts'
import { chunksOf, formatUidSet } from './uid-set.ts'

const none = { addFlags: 0, removeFlags: 0, addKeywords: [], removeKeywords: [], toMailboxId: null, isExpunge: false }

describe('flags', () => {
  it('keeps system flags as bits and bounded keywords without case twins', () => {
    expect(
      parseFlags(['\\Seen', '\\FLAGGED', '\\Recent', '$Forwarded', '$forwarded', 'x'.repeat(65), 'bad key']),
    ).toEqual({ bits: SEEN | FLAGGED, keywords: ['$forwarded'] })
  })
  it('applies pending intents in order on the server truth', () => {
    const truth = { mailboxId: 1n, bits: SEEN, keywords: ['a'] }
    const shown = effectivePlacement(truth, [
      { ...none, removeFlags: SEEN, addKeywords: ['b'] },
      { ...none, addFlags: SEEN | FLAGGED, removeKeywords: ['A'] },
      { ...none, toMailboxId: 2n },
    ])
    expect(shown).toEqual({ mailboxId: 2n, bits: SEEN | FLAGGED, keywords: ['b'] })
  })
  it('hides what is marked \\Deleted or to be expunged', () => {
    expect(effectivePlacement({ mailboxId: 1n, bits: DELETED, keywords: [] }, []).mailboxId).toBeNull()
    expect(
      effectivePlacement({ mailboxId: 1n, bits: DELETED, keywords: [] }, [{ ...none, removeFlags: DELETED }]).mailboxId,
    ).toBe(1n)
    expect(
      effectivePlacement({ mailboxId: 1n, bits: 0, keywords: [] }, [
        { ...none, isExpunge: true },
        { ...none, toMailboxId: 3n },
      ]).mailboxId,
    ).toBeNull()
  })
})

describe('uid sets', () => {
  it('are written in ranges and read back to the same uids', () => {
    expect(formatUidSet([9, 1, 2, 3, 5, 4])).toBe('1:5,9')
    fc.assert(
      fc.property(fc.uniqueArray(fc.integer({ min: 1, max: 300 })), (uids) => {
        const back = formatUidSet(uids)
          .split(',')
          .filter((part) => part !== '')
          .flatMap((part) => {
            const [from = 0, to = from] = part.split(':').map(Number)
            return Array.from({ length: to - from + 1 }, (_, n) => from + n)
          })
        expect(back).toEqual([...uids].sort((a, b) => a - b))
      }),
    )
    expect(chunksOf([1, 2, 3, 4, 5], 2)).toEqual([[1, 2], [3, 4], [5]])
  })
})

describe('conversations', () => {
  it('finds the same conversation from parent and child in any order', () => {
    const parent = referenceHashes({ messageId: '<a@x>', inReplyTo: null, references: null })
    const child = referenceHashes({ messageId: '<b@x>', inReplyTo: '<a@x>', references: '<a@x>' })
    expect(child).toContain(parent[0])
    expect(parseMessageIds('junk <a@x>(comment)<b@x>\r\n <a@x>')).toEqual(['a@x', 'b@x'])
    expect(parseMessageIds(`${Array.from({ length: 5000 }, (_, n) => `<${n}@x>`).join(' ')}`)).toHaveLength(64)
    expect(['a@b@c', '@a@b', '@a', 'a@', '@', 'a b@c'].flatMap(parseMessageIds)).toEqual(['a@b@c', '@a@b'])
    // Read once, however long it is.
    expect(parseMessageIds(`${'@'.repeat(300_000)} x`)).toEqual([])
  })
  it('never takes two mails for one because of the Message-ID alone', () => {
    const facts = {
      serverMessageId: null,
      messageId: '<a@x>',
      sentAt: new Date(0),
      from: [{ address: 'Ann@x' }],
      to: [],
      subject: 's',
      sizeBytes: 10,
      internalDate: new Date(0),
    }
    for (const same of [{ internalDate: new Date(1000) }, { internalDate: null }, { from: [{ address: 'ann@X' }] }])
      expect(identityKey({ ...facts, ...same })).toBe(identityKey(facts))
    const others = [
      { sizeBytes: 11 },
      { subject: 'z' },
      { from: [] },
      { to: [{ address: 'b@x' }] },
      { sentAt: null },
      { internalDate: new Date(86_400_001) },
    ]
    for (const other of others) expect(identityKey({ ...facts, ...other })).not.toBe(identityKey(facts))
  })
  it('clamps dates to 1990 .. tomorrow', () => {
    const now = new Date('2026-11-24T00:00:00Z')
    expect(sortDate(new Date('9999-01-01'), now).toISOString()).toBe('2026-11-25T00:00:00.000Z')
    expect(sortDate(new Date(0), now).getUTCFullYear()).toBe(1990)
    expect(sortDate(new Date(Number.NaN), now)).toEqual(now)
  })
})

describe('mailbox roles', () => {
  it('come from attributes first, then from names in many languages, each once', () => {
    const roles = assignRoles([
      { path: 'INBOX', name: 'INBOX', attributes: [] },
      { path: 'Sent', name: 'Sent', attributes: [] },
      { path: 'Gesendete Elemente', name: 'Gesendete Elemente', attributes: ['\\Sent'] },
      { path: 'Корзина', name: 'Корзина', attributes: [] },
      { path: 'INBOX.Entwürfe', name: 'Entwürfe', attributes: [] },
      { path: 'Work/Spam', name: 'Spam', attributes: [] },
      { path: 'Spam', name: 'Spam', attributes: [] },
    ])
    expect(Object.fromEntries(roles)).toEqual({
      INBOX: 'inbox',
      'Gesendete Elemente': 'sent',
      Корзина: 'trash',
      'INBOX.Entwürfe': 'drafts',
      Spam: 'junk',
    })
  })
})

describe('decoding a part', () => {
  it.each([
    ['base64', 'utf-8', Buffer.from(Buffer.from('Grüße').toString('base64')), 'Grüße'],
    ['quoted-printable', 'iso-8859-1', Buffer.from('Gr=FC=DFe=  \r\n, soft=\r\nbreak =ZZ'), 'Grüße, softbreak =ZZ'],
    ['8bit', 'utf-8', Buffer.from([0x47, 0x72, 0xfc, 0xdf, 0x65]), 'Grüße'],
    ['7bit', 'utf-7', Buffer.from('Gr+APwA3w-e'), 'Grüße'],
    ['7bit', 'iso-2022-kr', Buffer.from('\x1b$)C\x0eGQ1[\x0f', 'latin1'), '한글'],
    ['7bit', 'hz-gb-2312', Buffer.from('a~{VPND~}b', 'latin1'), 'a中文b'],
    ['7bit', 'hz-gb-2312', Buffer.from('a~~b~\r\nc~x~{VP', 'latin1'), 'a~bc~x中'],
    ['8bit', 'no-such-charset', Buffer.from('Grüße'), 'Grüße'],
    ['x-uuencode', 'us-ascii', Buffer.from('begin 644 a\n#0V%T\n`\nend\n'), 'Cat'],
    ['8bit', 'utf-8', Buffer.from('a\0b'), 'ab'],
  ])('%s %s', (encoding, charset, bytes, text) => expect(decodePart({ encoding, charset, bytes })).toBe(text))
})

describe('text of HTML', () => {
  it('reads what a person would see', () => {
    const html =
      '<style>p{}</style><div style="display:none">preheader</div><p>Dear&nbsp;all,</p><p>caf&eacute;<br>open</p><script>x()</script>'
    expect(htmlToText(html)).toBe('Dear all,\n\ncafé\nopen')
    expect(htmlToText('<div style="display:none">only this</div>')).toBe('only this')
  })
  it('bears 200,000 nested elements', () => {
    expect(htmlToText(`${'<div>'.repeat(200_000)}deep <b>down`)).toBe('deep down')
  })
  it('previews what the writer wrote, not what was quoted', () => {
    expect(previewOf('On 3 May Ann wrote:\n> old words\n\nYes, gladly.\n\n-- \nBob')).toBe('Yes, gladly.')
    expect(previewOf('> only quoted')).toBe('> only quoted')
    expect(previewOf(`${'<'.repeat(80)}${'a@'.repeat(9000)}`)).toHaveLength(200)
  })
  it('cannot be reordered by bidi characters in a name', () => {
    expect(displayLine('evil\u202egnp.exe\r\nBcc: x')).toBe('evil gnp.exe Bcc: x')
  })
})

describe('search words', () => {
  it('folds case and accents and pairs characters of scripts without spaces', () => {
    expect(tokensOf('Überprüfung STRASSE Straße naïve')).toEqual(['uberprufung', 'strasse', 'strasse', 'naive'])
    expect(tokensOf('東京都 Kyoto')).toEqual(['東京', '京都', 'kyoto'])
    expect(tokensOf('ann.lee@mail.example')).toEqual(['ann', 'lee', 'mail', 'example'])
    expect(tokensOf('Ёлка')).toEqual(tokensOf('елка'))
  })
  it('reads words, phrases, exclusions and an unfinished last word', () => {
    expect(toTsquery(parseQuery('inv'))).toBe("('inv':*)")
    expect(toTsquery(parseQuery('"the plan" -draft bud'))).toBe("('the' <-> 'plan') & !('draft') & ('bud':*)")
    expect(toTsquery(parseQuery('-only'))).toBeNull()
    expect(toTsquery(parseQuery('"'))).toBeNull()
  })
  it('weighs the fields', () => {
    expect(readVector(indexVector({ subject: 'Plan', people: 'Ann', attachments: 'x.pdf', body: "plan it's" }))).toBe(
      "'plan':1A,35 'ann':12B 'x':23C 'pdf':24C 'it':36 's':37",
    )
  })
  it('takes a word as one however it is written, and no two for one whatever their number', () => {
    const vector = (subject: string, body: string) =>
      readVector(indexVector({ subject, people: '', attachments: '', body }))
    expect(vector('Cafe', 'café CAFE cafe')).toBe("'cafe':1A,32,33,34")
    const words = Array.from({ length: 5000 }, (_, n) => `w${n}`)
    expect(vector('', words.join(' ')).split(' ')).toEqual(words.map((word, n) => `'${word}':${31 + n}`))
  })
  it('keeps to what a tsvector may hold: 16 ascending positions a word, 16,383 at most, 1 MiB in all', () => {
    const vector = (body: string) => indexVector({ subject: '', people: '', attachments: '', body })
    expect(readVector(vector('again '.repeat(40)))).toMatch(/^'again':31,32,.*,46$/)
    expect(readVector(vector(`${'a b '.repeat(10_000)}last last`))).toMatch(/'last':16383$/)
    const many = Array.from({ length: 7000 }, (_, n) => `${'ω'.repeat(58)}${n}`).join(' ')
    expect(vector(many).length).toBeLessThan(1024 * 1024)
    expect(vector('').readInt32BE(0)).toBe(0)
  })
})

/** The text form of a binary tsvector, lexemes in the order given. */
const readVector = (vector: Buffer): string => {
  const lexemes: string[] = []
  let at = 4
  while (lexemes.length < vector.readInt32BE(0)) {
    const end = vector.indexOf(0, at)
    const token = vector.toString('utf8', at, end)
    const positions = Array.from({ length: vector.readUInt16BE(end + 1) }, (_, n) =>
      vector.readUInt16BE(end + 3 + 2 * n),
    )
    lexemes.push(
      `'${token}':${positions.map((place) => `${place & 16383}${['', 'C', 'B', 'A'][place >> 14]}`).join(',')}`,
    )
    at = end + 3 + 2 * positions.length
  }
  return lexemes.join(' ')
}

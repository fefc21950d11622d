import type { DraftContent } from '@postern/shared/drafts.ts'
import { simpleParser } from 'mailparser'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { ScriptedSmtp } from '../support/scripted-smtp.ts'
import { type File, type OutboxScene, type Sender, startOutboxScene } from '../support/sending-scene.ts'

/** One case a trick: whoever is shown gets it, and nobody else; or it is refused, and says where. */
describe('what is written into a field', () => {
  let outbox: OutboxScene
  let sender: Sender
  let server: ScriptedSmtp
  let accountId: bigint
  beforeAll(async () => {
    outbox = await startOutboxScene()
    sender = outbox.sender
    const made = await outbox.scene()
    server = made.server
    accountId = made.accountId
    outbox.fixture.start()
  })
  afterAll(() => outbox.stop())

  const to = (address: string, name = '') => ({ to: [{ name, address }] })

  it.each([
    ['two addresses in one', to('bob@example.org, eve@example.org'), 'to'],
    ['two addresses behind each other', to('bob@example.org;eve@example.org'), 'to'],
    ['a command behind an address', to('bob@example.org>\r\nRCPT TO:<eve@example.org'), 'to'],
    ['a line feed alone', to('bob@example.org\neve@example.org'), 'to'],
    ['a parameter of the envelope', to('bob@example.org> SIZE=1'), 'to'],
    ['another name before an address', to('"eve@example.org" <bob@example.org>'), 'to'],
    ['a comment', to('bob@example.org(eve@example.org)'), 'to'],
    ['a way to go', to('@relay.example:bob@example.org'), 'to'],
    ['a group', to('friends: bob@example.org;'), 'to'],
    ['a number for a server', to('bob@[127.0.0.1]'), 'to'],
    ['a delete', to('bob\x7f@example.org'), 'to'],
    ['an address within a local part', to('"bob <eve@example.org>"@example.org'), 'to'],
    ['a letter apart from its accent', to('bo\u0308b@example.org'), 'to'],
    ['a domain that only looks encoded', to('bob@xn--zz--.example'), 'to'],
    ['a space in the name of a server', to('bob@example.org\u00a0.evil.example'), 'to'],
    ['a header behind a name', to('bob@example.org', 'Bob\r\nBcc: eve@example.org'), 'to'],
    ['a name that is turned around', to('bob@example.org', '\u202egro.elpmaxe@eve'), 'to'],
    ['a header behind a subject', { subject: 'hi\r\nBcc: eve@example.org' }, 'subject'],
    ['a separator of lines in a subject', { subject: 'hi\u2028Bcc: eve@example.org' }, 'subject'],
    ['a copy to two at once', { bcc: [{ name: '', address: 'bob@example.org,eve@example.org' }] }, 'bcc'],
  ] satisfies [string, Partial<DraftContent>, string][])('is refused: %s', async (_trick, content, field) => {
    const draftId = await sender.write(accountId, content)
    const { status, body } = await sender.send(draftId)
    expect([status, Object.keys((body as { error: { fields?: object } }).error.fields ?? {})]).toEqual([400, [field]]) // by the contract
    expect((await outbox.draftOf(draftId)).submissionId).toBeNull()
  })

  it.each([
    ['a header behind the name of a file', 'x.txt\r\nBcc: eve@example.org'],
    ['the name of a file that is turned around', 'invoice\u202etxt.exe'],
  ])('is refused: %s', async (_trick, filename) => {
    const files = [{ filename, octets: Buffer.from('x') }]
    expect(await sender.send(await sender.write(accountId, {}, { files }))).toMatchObject({
      status: 400,
      body: { error: { fields: { attachments: expect.any(String) } } },
    })
  })

  type Sent = { content: Partial<DraftContent>; file?: File; refs?: string[]; inReplyTo?: string }
  const sent = async ({ content, file, ...origin }: Sent) => {
    const before = server.mails.length
    const { id, body } = await sender.send(
      await sender.write(accountId, content, { ...origin, ...(file ? { files: [file] } : {}) }),
    )
    expect(body).toMatchObject({ state: expect.stringMatching(/queued|sending|sent/) })
    await sender.ends(id, 'sent')
    const mail = server.mails[before]
    const read = await simpleParser(mail?.octets ?? '')
    const people = [read.to ?? []].flat().flatMap(({ value }) => value)
    expect([server.mails.length, read.bcc]).toEqual([before + 1, undefined])
    return {
      to: mail?.to,
      people: people.map(({ name, address }) => ({ name, address })),
      read,
      octets: `${mail?.octets}`,
    }
  }

  it.each([
    ['a name that is an address', to('bob@example.org', 'eve@example.org')],
    ['a name that closes its quotes', to('bob@example.org', '" <eve@example.org>, "')],
    ['a name with a comma', to('bob@example.org', 'eve@example.org, Bob')],
    ['a local part in quotes', to('"bob,eve"@example.org')],
    ['a local part in another script', to('боб@example.org', 'Боб')],
    ['an address with a plus and a slash', to('bob+a/b=c@example.org')],
  ] satisfies [string, ReturnType<typeof to>][])('reaches whom it shows: %s', async (_trick, content) => {
    const { to: envelope, people } = await sent({ content })
    expect([envelope, people]).toEqual([content.to.map(({ address }) => address), content.to])
  })

  it('reaches the server whose name it shows, whatever script that is in', async () => {
    const { to: envelope, octets } = await sent({ content: to('bob@BÜCHER.example') })
    expect([envelope, octets.includes('\r\nTo: bob@xn--bcher-kva.example\r\n')]).toEqual([
      ['bob@xn--bcher-kva.example'],
      true,
    ])
  })

  it('is text where it looks encoded: a name, a subject, the name of a file', async () => {
    const subject = '=?utf-8?q?a=0d=0aBcc:_eve@example.org?='
    const filename = '../"; name="x.exe"; =?utf-8?q?=0a?='
    const content = { ...to('bob@example.org', '=?utf-8?q?Bob=0a?='), subject }
    const { people, read } = await sent({ content, file: { filename, octets: Buffer.from('x') } })
    expect([people, read.subject, read.attachments.map((one) => one.filename)]).toEqual([
      [{ name: '= ?utf-8?q?Bob=0a?=', address: 'bob@example.org' }],
      subject,
      ['../"; name="x.exe"; = ?utf-8?q?=0a?='],
    ])
  })

  it('is left out where it is no reference to a mail', async () => {
    const good = '<a@example.org>'
    const refs = [
      good,
      '<b@example.org>\r\nBcc: eve@example.org',
      '<c d@example.org>',
      '<é@example.org>',
      '<>',
      'e@example.org',
    ]
    const { read } = await sent({ content: {}, refs, inReplyTo: '<a>\r\nBcc: eve@example.org' })
    expect([read.references, read.inReplyTo]).toEqual([good, undefined])
  })
})

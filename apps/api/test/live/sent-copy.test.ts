import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest'
import { type Dovecot, startDovecot } from '../support/dovecot.ts'
import { type EngineFixture, startEngineFixture } from '../support/engine-fixture.ts'
import { type FaultProxy, startFaultProxy } from '../support/fault-proxy.ts'
import { startMortalEngine } from '../support/mortal-engine.ts'
import { type ScriptedSmtp, startScriptedSmtp } from '../support/scripted-smtp.ts'
import { type Sender, startSender } from '../support/sending-scene.ts'
import { until } from '../support/until.ts'

/** What comes to Sent at a real server. */
describe('the copy of a mail that was sent', () => {
  let dovecot: Dovecot
  let proxy: FaultProxy
  let fixture: EngineFixture
  let sender: Sender
  let smtp: ScriptedSmtp
  beforeAll(async () => {
    dovecot = await startDovecot({ ownMailboxes: ['Drafts', 'Trash'] })
    proxy = await startFaultProxy(dovecot.imapPort)
    smtp = await startScriptedSmtp()
    fixture = await startEngineFixture(dovecot)
    sender = await startSender(fixture.store, fixture.userId)
    fixture.start()
  })
  afterEach(() => proxy.clear())
  afterAll(async () => {
    await sender.stop()
    await fixture.stop()
    await smtp.stop()
    await proxy.stop()
    await dovecot.stop()
  })

  const add = async (user: string): Promise<bigint> => {
    dovecot.addUser(user, 'secret')
    const id = await fixture.addAccount(user, 'secret', proxy.port)
    const at = { host: 'localhost', port: smtp.port, security: 'plain', pinnedFingerprint: null }
    await fixture.store.prisma.account.update({ where: { id }, data: { outgoing: { ...at, username: user } } })
    await fixture.untilState(id, 'watching')
    return id
  }
  const send = async (accountId: bigint): Promise<string> => {
    const { id } = await sender.send(await sender.write(accountId))
    await until(async () => (await sender.state(id)).sentCopy === 'stored', { what: 'a copy in Sent' })
    return id
  }
  const created = () =>
    [...proxy.said('toServer').matchAll(/^\S+ CREATE .*/gm)].map(([line]) => line.replace(/^\S+ /, ''))
  const sentRows = (accountId: bigint) => fixture.store.prisma.mailbox.findMany({ where: { accountId, role: 'sent' } })

  it('comes into a Sent that is made for it where there is none', async () => {
    const accountId = await add('plain')
    expect(await sentRows(accountId)).toEqual([])
    await send(accountId)
    await send(accountId)
    expect(dovecot.count('plain', 'Sent')).toBe(2)
    expect(created()).toEqual(['CREATE Sent'])
    expect(dovecot.doveadm('mailbox', 'list', '-s', '-u', 'plain')).toContain('Sent')
    await until(async () => (await fixture.shown(accountId, 'Sent')).length === 2, { what: 'both copies here' })
    expect((await sentRows(accountId)).map(({ path }) => path)).toEqual(['Sent'])
  })

  /** As if it were said of the server that it makes mailboxes for a use; Dovecot 2.3 does, and does not say so. */
  const announceUses = () => {
    const withUse = (line: string) => line.replace(/ IDLE\b/, ' IDLE CREATE-SPECIAL-USE')
    proxy.add({ direction: 'toClient', line: /CAPABILITY .* IDLE/, act: withUse })
  }

  it('comes into one that is made for this use, where the server does that', async () => {
    const before = created().length
    announceUses()
    await send(await add('special'))
    expect(created().slice(before)).toEqual(['CREATE "Sent" (USE (\\Sent))'])
    expect(dovecot.count('special', 'Sent')).toBe(1)
  })

  it('comes into one without, where the server says that it does that and does not', async () => {
    const before = created().length
    announceUses()
    const refused = proxy.add({
      direction: 'toServer',
      line: /\(USE/,
      act: (line) => line.replace('CREATE', 'XCREATE'),
    })
    await send(await add('liar'))
    expect([refused.acted(), created().slice(before)]).toEqual([1, ['CREATE Sent']])
    expect(dovecot.count('liar', 'Sent')).toBe(1)
  })

  it('is the one that the server put there by itself, changed as it likes', async () => {
    const accountId = await add('saver')
    // As soon as it has the mail, and before it says so.
    smtp.holdEnds((answer) => {
      const octets = smtp.mails.at(-1)?.octets.toString('latin1') ?? ''
      dovecot.deliver('saver', 'Sent', `X-Saved-By: the server\r\n${octets}`, { flags: ['\\Seen'] })
      answer()
    })
    await send(accountId)
    smtp.holdEnds((answer) => answer())
    expect(dovecot.count('saver', 'Sent')).toBe(1)
    expect(dovecot.count('saver', 'Sent', 'header', 'x-saved-by', 'the server')).toBe(1)
  })

  it('is put there once, though the answer to that is lost', async () => {
    const accountId = await add('lost')
    const cut = proxy.add({ direction: 'toClient', answerTo: /^APPEND /, act: 'close' })
    await send(accountId)
    expect([cut.acted(), dovecot.count('lost', 'Sent')]).toEqual([1, 1])
  })

  it('tells of a mail whose sender was killed that it was sent, where its server keeps copies', async () => {
    dovecot.addUser('killed', 'secret')
    const incoming = { host: 'localhost', port: dovecot.imapPort, security: 'plain' as const, username: 'killed' }
    const mail = { protocol: 'smtp' as const, port: smtp.port }
    const mortal = await startMortalEngine({ user: 'killed', mail, settings: { incoming } })
    const { store, accountId, points } = mortal
    const at = { host: 'localhost', port: points.mailPort, security: 'plain', username: 'killed' }
    const outgoing = { ...at, pinnedFingerprint: null }
    await store.prisma.account.update({ where: { id: accountId }, data: { outgoing } })
    const killed = await startSender(store, mortal.ownerId)
    const saved = smtp.mails.length
    smtp.holdEnds((answer) => {
      dovecot.deliver('killed', 'Sent', smtp.mails.at(-1)?.octets ?? '', { flags: ['\\Seen'] })
      answer()
    })
    try {
      // The server has it, and has said so to nobody.
      points.arm(/^after end/, () => {
        mortal.kill()
        return 'end'
      })
      mortal.start()
      const { id } = await killed.send(await killed.write(accountId))
      await until(async () => mortal.child()?.signalCode === 'SIGKILL', { ms: 30_000, what: 'the kill' })
      mortal.start()
      await until(async () => (await killed.state(id)).sentCopy === 'stored', {
        ms: 30_000,
        what: 'the end of the doubt',
      })
      const { state, evidence } = await killed.state(id)
      expect([state, evidence.map(({ kind }) => kind)]).toEqual(['sent', ['in_sent']])
      expect([smtp.mails.length - saved, dovecot.count('killed', 'Sent')]).toEqual([1, 1])
    } finally {
      smtp.holdEnds((answer) => answer())
      await killed.stop()
      await mortal.stop()
    }
  })
})

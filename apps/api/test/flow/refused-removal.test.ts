import { afterEach, describe, expect, it } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { expungeMessages } from '#protocol/imap/move-messages.ts'
import { type ImapSession, openImapSession } from '#protocol/imap/open-session.ts'
import { selectMailbox } from '#protocol/imap/select-mailbox.ts'
import { type ScriptedImap, startScriptedImap } from '../support/scripted-imap.ts'

describe('a server without UIDPLUS', () => {
  let server: ScriptedImap
  let session: ImapSession
  afterEach(async () => {
    session.destroy()
    await server.stop()
  })

  it('that refuses to mark a message for removal is not taken for one that did it', async () => {
    server = await startScriptedImap({
      on: {
        CAPABILITY: (socket, tag) => socket.write(`* CAPABILITY IMAP4rev1\r\n${tag} OK x\r\n`),
        STORE: (socket, tag) => socket.write(`${tag} NO [NOPERM] Not yours.\r\n`),
      },
    })
    session = await openImapSession({
      host: '127.0.0.1',
      address: '127.0.0.1',
      port: server.port,
      security: 'plain',
      username: 'u',
      password: new Secret('p'),
      pinnedFingerprint: null,
    })
    await selectMailbox(session, 'INBOX')
    await expect(expungeMessages(session, '1')).rejects.toMatchObject({ code: 'mailbox.no_permission' })
  })
})

import { afterEach } from 'vitest'
import { Secret } from '#platform/secret.ts'
import { openPop3Session, type Pop3Session, type SessionOptions } from '#protocol/pop3/open-session.ts'
import type { Retrieved } from '#protocol/pop3/retrieve-messages.ts'
import { type Script, type ScriptedPop3, startScriptedPop3 } from './scripted-pop3.ts'

/** Scripted servers and sessions with them; all of it is gone after each test. */
export const usePop3 = () => {
  const servers: ScriptedPop3[] = []
  const sessions: Pop3Session[] = []
  afterEach(async () => {
    for (const session of sessions.splice(0)) session.destroy()
    for (const server of servers.splice(0)) await server.stop()
  })
  const optionsFor = async (script: Script): Promise<SessionOptions> => {
    const server = await startScriptedPop3(script)
    servers.push(server)
    return {
      host: 'localhost',
      address: '127.0.0.1',
      port: server.port,
      security: 'plain',
      pinnedFingerprint: null,
      username: 'tim',
      password: new Secret('tanstaaftanstaaf'),
      silenceMs: 5000,
    }
  }
  return {
    optionsFor,
    open: async (script: Script, more: Partial<SessionOptions> = {}): Promise<Pop3Session> => {
      const session = await openPop3Session({ ...(await optionsFor(script)), ...more })
      sessions.push(session)
      return session
    },
    /** What the newest server was sent, line by line. */
    said: (): string[] => servers.at(-1)?.said ?? [],
  }
}

/** The octets of a message, one character each. */
export const contentOf = async (content: AsyncIterable<Buffer>): Promise<string> => {
  const pieces: Buffer[] = []
  for await (const piece of content) pieces.push(piece)
  return Buffer.concat(pieces).toString('latin1')
}

/** Each message's octets, or number and code of its refusal. */
export const allOf = async (run: AsyncGenerator<Retrieved>): Promise<(string | [number, string])[]> => {
  const found: (string | [number, string])[] = []
  for await (const item of run)
    found.push(item.kind === 'message' ? await contentOf(item.content) : [item.number, item.error.code])
  return found
}

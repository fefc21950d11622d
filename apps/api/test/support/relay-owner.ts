import type { RelayPut } from '@postern/shared/relay.ts'
import type { FastifyInstance } from 'fastify'
import type { Store } from '#store/open-store.ts'
import { writeOwnerPolicy } from '#store/owner-policy.ts'
import { buildTestApp, openTestSession } from './app-fixture.ts'
import type { ScriptedSmtp } from './scripted-smtp.ts'

export const relayPassword = 'relay-canary-41c7'

/** A relay at a scripted server, as its owner types it. */
export const relayAt = ({ port }: Pick<ScriptedSmtp, 'port'>, more: Partial<RelayPut> = {}): RelayPut => ({
  outgoing: { host: 'localhost', port, security: 'plain', username: 'relay-login', pinnedFingerprint: null },
  password: relayPassword,
  domains: ['example.org'],
  carriesOthers: true,
  recipientsPerMail: null,
  mailsPerHour: null,
  ...more,
})

type Method = 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE'
type Answer = {
  status: number
  body: { relay: unknown; error: Record<string, unknown> } & Record<string, unknown>
  text: string
}
export type Person = (method: Method, path: string, payload?: object) => Promise<Answer>

/** Somebody who speaks to the API, and the API. */
export const startPerson = async (
  store: Store,
  { userId, masterKey }: { userId: bigint; masterKey: Buffer },
): Promise<{ app: FastifyInstance; ask: Person }> => {
  const app = await buildTestApp({ store, masterKey })
  const cookie = await openTestSession(store, userId)
  return {
    app,
    ask: async (method, path, payload) => {
      const { statusCode, body } = await app.inject({
        method,
        url: `/v1${path}`,
        headers: { cookie, 'x-postern': '1' },
        ...(payload ? { payload } : {}),
      })
      return {
        status: statusCode,
        body: body.startsWith('{') && !body.includes('\n') ? JSON.parse(body) : null,
        text: body,
      }
    },
  }
}

/** Servers of tests speak without encryption. */
export const allowPlain = (store: Store, ports: number[]): Promise<void> =>
  store.prisma.$transaction((tx) =>
    writeOwnerPolicy(tx, { plaintextHosts: ports.map((port) => `localhost:${port}`), privateHosts: [] }),
  )

import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

type Untagged = { attributes?: ({ value?: unknown } | null)[] }
/** What the library has and does not describe: commands it knows nothing of. */
type RawFlow = {
  exec: (
    command: string,
    attributes: { type: string; value: string }[],
    options: { untagged: Record<string, (untagged: Untagged) => Promise<void>> },
  ) => Promise<{ next: () => void }>
}

/** What we may do in a mailbox: the letters of RFC 4314 2.1, sorted. Null where the server has no ACL or does not say. */
export const readRights = async (session: ImapSession, path: string): Promise<string | null> => {
  if (!session.capabilities.acl) return null
  const flow = session.flow as unknown as RawFlow // `exec` is there, only not in its types
  const name = session.names.toWire(path)
  let rights: string | null = null
  try {
    const answer = await flow.exec('MYRIGHTS', [{ type: 'STRING', value: name }], {
      untagged: {
        MYRIGHTS: async ({ attributes }) => {
          const value = attributes?.[1]?.value
          if (typeof value === 'string' && /^[a-z0-9]{0,60}$/i.test(value)) rights = [...value].sort().join('')
        },
      },
    })
    answer.next()
    return rights
  } catch (error) {
    const known = toSessionError(error)
    if (known.code.startsWith('mailbox.')) return null
    throw known
  }
}

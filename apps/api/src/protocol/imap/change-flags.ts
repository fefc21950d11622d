import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

/** Adds or removes flags, never replaces them: what other programs set meanwhile stays. Safe to repeat. RFC 9051 6.4.6. */
export const changeFlags = async (
  session: ImapSession,
  uidSet: string,
  change: 'add' | 'remove',
  flags: string[],
): Promise<void> => {
  if (flags.length === 0 || uidSet === '') return
  try {
    session.mayAct()
    const options = { uid: true }
    const done =
      change === 'add'
        ? await session.flow.messageFlagsAdd(uidSet, flags, options)
        : await session.flow.messageFlagsRemove(uidSet, flags, options)
    if (!done) throw session.refusal()
  } catch (error) {
    throw toSessionError(error)
  }
}

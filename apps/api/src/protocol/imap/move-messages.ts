import { toSessionError } from '../session-error.ts'
import type { ImapSession } from './open-session.ts'

/** `uidMap`: old uid -> new uid, null when the server does not say (no UIDPLUS). RFC 6851, RFC 4315. */
export type MoveResult = { uidMap: Map<number, number> | null; uidValidity: bigint | null }

/**
 * Moves messages of the selected mailbox. Without MOVE: COPY, then \Deleted and UID EXPUNGE of exactly these uids. Without
 * UIDPLUS nothing is expunged, because EXPUNGE would also take what other programs marked: the originals stay, marked
 * \Deleted. Throws mailbox.missing (TRYCREATE), mailbox.over_quota, mailbox.no_permission.
 */
export const moveMessages = async (session: ImapSession, uidSet: string, toPath: string): Promise<MoveResult> => {
  try {
    const { flow, capabilities } = session
    session.mayAct()
    const wirePath = session.names.toWire(toPath)
    if (capabilities.move) return toResult(session, await flow.messageMove(uidSet, wirePath, { uid: true }))
    const copied = await flow.messageCopy(uidSet, wirePath, { uid: true })
    if (copied === false) throw session.refusal()
    session.mayAct()
    if (!(await flow.messageFlagsAdd(uidSet, ['\\Deleted'], { uid: true }))) throw session.refusal()
    session.mayAct()
    if (capabilities.uidplus) await flow.messageDelete(uidSet, { uid: true })
    return toResult(session, copied)
  } catch (error) {
    throw toSessionError(error)
  }
}

const toResult = (
  session: ImapSession,
  answer: { uidMap?: Map<number, number> | undefined; uidValidity?: bigint | undefined } | false,
): MoveResult => {
  if (answer === false) throw session.refusal()
  return {
    uidMap: answer.uidMap && answer.uidMap.size > 0 ? answer.uidMap : null,
    uidValidity: answer.uidValidity ?? null,
  }
}

/** Removes exactly these uids for good. Answers false where the server cannot (no UIDPLUS): they stay marked \Deleted. */
export const expungeMessages = async (session: ImapSession, uidSet: string): Promise<boolean> => {
  try {
    session.mayAct()
    if (!session.capabilities.uidplus) {
      if (!(await session.flow.messageFlagsAdd(uidSet, ['\\Deleted'], { uid: true }))) throw session.refusal()
      return false
    }
    if (!(await session.flow.messageDelete(uidSet, { uid: true }))) throw session.refusal()
    return true
  } catch (error) {
    throw toSessionError(error)
  }
}

import type { Unit } from './commit.ts'
import { revokeLease } from './lease.ts'
import type { Tx } from './open-store.ts'

/** The state of an account that nobody can bring back: it is erased step by step (remove-person.ts). */
export const erasing = 'erasing'

/**
 * Disconnects an account: the lease goes to a higher epoch, so that what the worker still has in hand can no longer be
 * written, and the sealed passwords go, with a server to send with that had one of its own.
 */
export const letGoOfAccount = async (
  tx: Tx,
  accountId: bigint,
  state: 'disconnected' | typeof erasing,
): Promise<void> => {
  await revokeLease(tx, accountId)
  // With its own password gone, the one for the incoming server would be tried there.
  await tx.$executeRaw`UPDATE account SET outgoing = NULL WHERE id = ${accountId} AND outgoing_credential IS NOT NULL`
  await tx.account.update({
    where: { id: accountId },
    data: {
      disconnectedAt: new Date(),
      state,
      credential: new Uint8Array(),
      outgoingCredential: null,
      switchCredential: null,
    },
  })
}

/** The last step: takes every row of an account out of every table. */
export const eraseAccount = async (unit: Unit, accountId: bigint): Promise<void> => {
  const { tx } = unit
  // A draft that went on in another account keeps what is attached to it.
  await tx.$executeRaw`UPDATE blob b SET account_id = a.account_id FROM draft_attachment a WHERE a.blob_id = b.id AND b.account_id = ${accountId} AND a.account_id <> b.account_id`
  await tx.$executeRaw`DELETE FROM blob_chunk WHERE blob_id IN (SELECT id FROM blob WHERE account_id = ${accountId})`
  await tx.$executeRaw`DELETE FROM command_target WHERE command_id IN (SELECT id FROM command WHERE account_id = ${accountId})`
  await tx.$executeRaw`DELETE FROM change WHERE stream_id IN (SELECT id FROM stream WHERE account_id = ${accountId})`
  const where = { accountId }
  await tx.blob.deleteMany({ where })
  await tx.rawSource.deleteMany({ where })
  await tx.popLedger.deleteMany({ where })
  await tx.switchMail.deleteMany({ where })
  await tx.switchHeader.deleteMany({ where })
  await tx.$executeRaw`DELETE FROM mail_report_recipient WHERE message_id IN (SELECT message_id FROM mail_report WHERE account_id = ${accountId})`
  await tx.mailReport.deleteMany({ where })
  await tx.receiptAnswer.deleteMany({ where })
  await tx.listLeave.deleteMany({ where })
  await tx.part.deleteMany({ where })
  await tx.body.deleteMany({ where })
  await tx.messageSearch.deleteMany({ where })
  await tx.command.deleteMany({ where })
  await tx.$executeRaw`DELETE FROM submission_recipient WHERE submission_id IN (SELECT id FROM submission WHERE account_id = ${accountId})`
  await tx.submissionBatch.deleteMany({ where })
  await tx.submission.deleteMany({ where })
  await tx.draftCopy.deleteMany({ where })
  await tx.draftAttachment.deleteMany({ where })
  await tx.draft.deleteMany({ where })
  await tx.identity.deleteMany({ where })
  await tx.transferItem.deleteMany({ where })
  await tx.transfer.deleteMany({ where })
  await tx.threadMailbox.deleteMany({ where })
  await tx.placement.deleteMany({ where })
  await tx.message.deleteMany({ where })
  await tx.messageRef.deleteMany({ where })
  await tx.thread.deleteMany({ where })
  await tx.mailbox.deleteMany({ where })
  await tx.removedMailbox.deleteMany({ where })
  await tx.engineRequest.deleteMany({ where })
  await tx.syncEvent.deleteMany({ where })
  await tx.stream.deleteMany({ where })
  await tx.accountLease.deleteMany({ where })
  await tx.account.delete({ where: { id: accountId } })
}

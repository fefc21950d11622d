import { randomUUID } from 'node:crypto'
import type { Store } from '#store/open-store.ts'
import { queueMail } from './queued-mail.ts'
import { validContent } from './valid-bodies.ts'

/** Something written, something on its way, and a template, that nobody else may see. By the names that paths give their ids. */
export const plantDraft = async (store: Store, owner: { userId: bigint; accountId: bigint }) => {
  const { accountId } = owner
  const identity = await store.prisma.identity.findFirstOrThrow({ where: { accountId } })
  const content = validContent(`${identity.id}`)
  const draft = await store.prisma.draft.create({ data: { id: randomUUID(), ...owner, content } })
  const file = { contentType: 'text/plain', sizeBytes: 1n, sha256: new Uint8Array(32), blobId: 1n }
  const attachment = await store.prisma.draftAttachment.create({
    data: { id: randomUUID(), draftId: draft.id, accountId, position: 0, filename: 'secret.txt', ...file },
  })
  const submissionId = randomUUID()
  await queueMail(store, owner, { id: submissionId, to: ['secret@example.org'] })
  const texts = { name: 'Secret', subject: 'Secret', html: '<p>secret</p>', text: 'secret' }
  const template = await store.prisma.template.create({ data: { id: randomUUID(), userId: owner.userId, ...texts } })
  const written = { identityId: `${identity.id}`, draftId: draft.id, templateId: template.id }
  return { ...written, attachmentId: attachment.id, submissionId }
}

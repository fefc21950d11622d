import { maxTemplates, type TemplateContent } from '@postern/shared/templates.ts'
import type { Unit } from './commit.ts'
import type { Template } from './generated/client.ts'
import type { Store, Tx } from './open-store.ts'

/** What a person writes again and again. */
export type TemplateRow = Template
/** One without its text. */
export type TemplateHead = Pick<TemplateRow, 'id' | 'version' | 'name' | 'subject' | 'updatedAt'> & {
  /** How its text begins. */
  beginning: string
}

const previewLength = 400

/** By name. Texts stay where they are: they may hold pictures. */
export const listTemplates = (tx: Tx, userId: bigint): Promise<TemplateHead[]> =>
  tx.$queryRaw<TemplateHead[]>`
    SELECT id, version, name, subject, updated_at AS "updatedAt", left(text, ${previewLength}::int) AS beginning
    FROM template WHERE user_id = ${userId} AND removed_at IS NULL ORDER BY lower(name), name, id`

/** Also one that was removed. Null when it is somebody else's or not there. */
export const findOwnTemplate = (tx: Tx, userId: bigint, id: string): Promise<TemplateRow | null> =>
  tx.template.findFirst({ where: { id, userId } })

/** The same, held against everybody else who changes it until this transaction ends. */
export const holdOwnTemplate = async (tx: Tx, userId: bigint, id: string): Promise<TemplateRow | null> => {
  await tx.$executeRaw`SELECT 1 FROM template WHERE id = ${id}::uuid AND user_id = ${userId} FOR UPDATE`
  return findOwnTemplate(tx, userId, id)
}

/** Until this transaction ends nobody else adds one of this person's, or brings one back. Taken before one of them is held. */
export const holdTemplates = async (tx: Tx, userId: bigint): Promise<void> => {
  await tx.$executeRaw`SELECT 1 FROM app_user WHERE id = ${userId} FOR NO KEY UPDATE`
}

export const countTemplates = (tx: Tx, userId: bigint): Promise<number> =>
  tx.template.count({ where: { userId, removedAt: null } })

/** As it is kept: with the plain text of its HTML. */
export type TemplateTexts = TemplateContent & { text: string }

/** False: there is a template of this id, whoever's it is. */
export const insertTemplate = async (
  unit: Unit,
  { id, userId, texts }: { id: string; userId: bigint; texts: TemplateTexts },
): Promise<boolean> => {
  const { count } = await unit.tx.template.createMany({ data: { id, userId, ...texts }, skipDuplicates: true })
  if (count > 0) tell(unit, userId)
  return count > 0
}

/** One that was removed is there again. It must be held (`holdOwnTemplate`). */
export const changeTemplate = async (unit: Unit, { id, userId }: TemplateRow, texts: TemplateTexts): Promise<void> => {
  const data = { ...texts, version: { increment: 1 }, removedAt: null, updatedAt: new Date() }
  await unit.tx.template.update({ where: { id }, data })
  tell(unit, userId)
}

/** It can come back for a while (`restoreTemplate`), unless as many were removed after it as there may be. */
export const removeTemplate = async (unit: Unit, { id, userId }: TemplateRow): Promise<void> => {
  await unit.tx.template.updateMany({ where: { id, removedAt: null }, data: { removedAt: new Date() } })
  await unit.tx.$executeRaw`
    DELETE FROM template WHERE id IN (
      SELECT id FROM template WHERE user_id = ${userId} AND removed_at IS NOT NULL
      ORDER BY removed_at DESC, id OFFSET ${maxTemplates}::int)`
  tell(unit, userId)
}

export const restoreTemplate = async (unit: Unit, { id, userId }: TemplateRow): Promise<void> => {
  await unit.tx.template.updateMany({ where: { id }, data: { removedAt: null } })
  tell(unit, userId)
}

const tell = (unit: Unit, userId: bigint): void => unit.log({ userId }, { kind: 'templates' })

export const sweepTemplates = async ({ prisma }: Store): Promise<void> => {
  await prisma.$executeRaw`DELETE FROM template WHERE removed_at < now() - interval '1 day'`
}

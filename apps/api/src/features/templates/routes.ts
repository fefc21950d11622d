import { maxTemplates, type Template, type TemplateContent } from '@postern/shared/templates.ts'
import { displayLine, storableText } from '#mail/storable-text.ts'
import { writtenText } from '#mail/written-text.ts'
import { AppError } from '#platform/errors.ts'
import { commit, type Unit } from '#store/commit.ts'
import type { Tx } from '#store/open-store.ts'
import {
  changeTemplate,
  countTemplates,
  findOwnTemplate,
  holdOwnTemplate,
  holdTemplates,
  insertTemplate,
  listTemplates,
  removeTemplate,
  restoreTemplate,
  type TemplateHead,
  type TemplateRow,
  type TemplateTexts,
} from '#store/templates.ts'
import type { FeatureDeps } from '../feature-deps.ts'

/** What a person writes again and again. */
export const registerTemplates = ({ router, store }: FeatureDeps): void => {
  const write = <T>(userId: bigint, work: (unit: Unit) => Promise<T>): Promise<T> =>
    commit(store, { kind: 'user', userId }, work)

  router.on('listTemplates', async ({ user: { userId } }) => ({
    templates: (await store.read(userId, (tx) => listTemplates(tx, userId))).map(presentHead),
  }))
  router.on('getTemplate', async ({ user: { userId }, params }) => {
    const row = await store.read(userId, (tx) => requireOwn(tx, userId, params.templateId))
    if (row.removedAt !== null) throw noTemplate()
    return present(row)
  })
  router.on('saveTemplate', ({ user: { userId }, params: { templateId: id }, body: { baseVersion, content } }) => {
    const texts = sound(content)
    return write(userId, async (unit) => {
      await holdTemplates(unit.tx, userId)
      const known = await holdOwnTemplate(unit.tx, userId, id)
      if (known && known.removedAt !== null) await requireRoom(unit.tx, userId)
      if (!known) await make(unit, { id, userId, texts, baseVersion })
      else if (!isSame(known, texts)) {
        if (baseVersion !== known.version) throw changedElsewhere()
        await changeTemplate(unit, known, texts)
      } else if (known.removedAt !== null) await restoreTemplate(unit, known)
      return present(await requireOwn(unit.tx, userId, id))
    })
  })
  router.on('removeTemplate', ({ user: { userId }, params }) =>
    write(userId, async (unit) => removeTemplate(unit, await requireHeld(unit.tx, userId, params.templateId))),
  )
  router.on('restoreTemplate', ({ user: { userId }, params }) =>
    write(userId, async (unit) => {
      await holdTemplates(unit.tx, userId)
      const row = await requireHeld(unit.tx, userId, params.templateId)
      if (row.removedAt !== null) await requireRoom(unit.tx, userId)
      await restoreTemplate(unit, row)
      return present(row)
    }),
  )
}

const make = async (
  unit: Unit,
  { id, userId, texts, baseVersion }: { id: string; userId: bigint; texts: TemplateTexts; baseVersion: number },
): Promise<void> => {
  if (baseVersion > 0) throw noTemplate()
  await requireRoom(unit.tx, userId)
  if (await insertTemplate(unit, { id, userId, texts })) return
  // Sent twice at once, it is the same; else there was one before.
  const other = await holdOwnTemplate(unit.tx, userId, id)
  if (!other || other.removedAt !== null || !isSame(other, texts))
    throw new AppError('request.conflict', 'Something else was made under this id.', {
      hint: 'Make a new id for every template.',
    })
}

/** For one more, while they are held (`holdTemplates`). */
const requireRoom = async (tx: Tx, userId: bigint): Promise<void> => {
  if ((await countTemplates(tx, userId)) >= maxTemplates)
    throw new AppError('request.too_large', `There are ${maxTemplates} templates already.`, {
      hint: 'Delete one that is not needed any more.',
    })
}

const noTemplate = () => new AppError('not_found', 'There is no such template.')
const changedElsewhere = () =>
  new AppError('request.conflict', 'This template was changed elsewhere meanwhile.', {
    hint: 'Save yours as a copy, or open it again to see what it is now.',
  })

const requireOwn = async (tx: Tx, userId: bigint, id: string): Promise<TemplateRow> => {
  const row = await findOwnTemplate(tx, userId, id)
  if (!row) throw noTemplate()
  return row
}

const requireHeld = async (tx: Tx, userId: bigint, id: string): Promise<TemplateRow> => {
  const row = await holdOwnTemplate(tx, userId, id)
  if (!row) throw noTemplate()
  return row
}

/** As it can be kept. */
const sound = ({ name, subject, html }: TemplateContent): TemplateTexts => {
  const line = displayLine(name)
  if (line === '') throw new AppError('request.invalid', 'A template needs a name.', { fields: { name: 'is missing' } })
  const kept = storableText(html)
  return { name: line, subject: displayLine(subject), html: kept, text: writtenText(kept) }
}

const isSame = (row: TemplateRow, { name, subject, html }: TemplateTexts): boolean =>
  row.name === name && row.subject === subject && row.html === html

const present = ({ id, version, name, subject, html, text, updatedAt }: TemplateRow): Template => ({
  id,
  version,
  content: { name, subject, html },
  text,
  updatedAt: updatedAt.toISOString(),
})

const presentHead = ({ id, version, name, subject, beginning, updatedAt }: TemplateHead) => ({
  ...{ id, version, name, subject },
  preview: displayLine(beginning, 200),
  updatedAt: updatedAt.toISOString(),
})

import { z } from 'zod'
import { instant } from './wire.ts'

/** What a person writes again and again: a subject and a text that are put into a mail, with places to be filled in. */

export const templateId = z.uuid().meta({ description: 'Made by the client; the same id is the same template.' })

/** Of one person. */
export const maxTemplates = 500
/** Pictures in it are `data:` addresses, as in signatures. */
const maxHtmlLength = 2_000_000
/** Of a request: every character may take more than a byte. */
export const maxTemplateBytes = 8 * 1024 * 1024

const placeholders =
  'Placeholders are filled in by the client that writes the mail: in the HTML `<span data-placeholder="recipient.firstName">{recipient.firstName}</span>`, elsewhere `{recipient.firstName}`. They are recipient.name, recipient.firstName, recipient.address, sender.name, sender.address, today.date, answered.subject; and cursor.here, where one goes on writing.'

export const templateContent = z
  .strictObject({
    name: z.string().trim().min(1, 'is missing').max(200),
    /** For a mail that has none yet; empty: none. */
    subject: z.string().max(1000),
    html: z.string().max(maxHtmlLength),
  })
  .meta({ id: 'TemplateContent', description: placeholders })
export type TemplateContent = z.infer<typeof templateContent>

export const templateSave = z.strictObject({
  /** The version this was made from; 0: it is new. */
  baseVersion: z.int().min(0),
  content: templateContent,
})

export const template = z
  .object({
    id: templateId,
    /** Counts up with every change. */
    version: z.int(),
    content: templateContent,
    /** Its HTML as plain text. */
    text: z.string(),
    updatedAt: instant,
  })
  .meta({ id: 'Template' })
export type Template = z.infer<typeof template>

export const templateHead = z
  .object({
    id: templateId,
    version: z.int(),
    name: z.string(),
    subject: z.string(),
    /** How its text begins. */
    preview: z.string(),
    updatedAt: instant,
  })
  .meta({ id: 'TemplateHead' })
export type TemplateHead = z.infer<typeof templateHead>

export const templateList = z.object({ templates: z.array(templateHead) })

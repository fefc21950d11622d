import type { MailReport } from '#mail/report-facts.ts'
import { ArrayWriter } from './binary-array.ts'

export type BodyRow = {
  messageId: bigint
  receivedAt: Date
  state: 'ready' | 'salvaged' | 'unparsable'
  text: string
  html: string | null
  isTruncated: boolean
  preview: string
  /** A tsvector in PostgreSQL's binary form (mail/search-vector.ts). */
  vector: Buffer
  /** Attachments and inline parts, in order. */
  parts: PartFacts[]
  /** What it says of another mail; null for all but few. */
  report: MailReport | null
}
export type PartFacts = {
  position: number
  path: string
  contentType: string
  encoding: string
  charset: string
  filename: string | null
  contentId: string | null
  isInline: boolean
  sizeBytes: number
}

/**
 * Bodies as `storeBodies` sends them: a binary array for each column. Made in the thread that reads mails, so that nothing
 * of a body is touched in the engine's own.
 */
export type BodyColumns = {
  messageIds: string[]
  /** Of those few that are reports. */
  reports: { messageId: string; report: MailReport }[]
  columns: Record<'id' | 'at' | 'state' | 'text' | 'html' | 'cut' | 'preview' | 'vector' | 'parts', Uint8Array>
}

/** Takes rows one by one and forgets them: what has to be kept of a batch is bytes, which no collection walks. */
export class ColumnsWriter {
  readonly #messageIds: string[] = []
  readonly #reports: BodyColumns['reports'] = []
  readonly #writers = {
    id: new ArrayWriter('text'),
    at: new ArrayWriter('text'),
    state: new ArrayWriter('text'),
    text: new ArrayWriter('text'),
    html: new ArrayWriter('text'),
    cut: new ArrayWriter('text'),
    preview: new ArrayWriter('text'),
    vector: new ArrayWriter('tsvector'),
    parts: new ArrayWriter('text'),
  }

  add(row: BodyRow): void {
    const { id, at, state, text, html, cut, preview, vector, parts } = this.#writers
    this.#messageIds.push(row.messageId.toString())
    id.add(row.messageId.toString())
    at.add(row.receivedAt.toISOString())
    state.add(row.state)
    text.add(row.text)
    html.add(row.html)
    cut.add(String(row.isTruncated))
    preview.add(row.preview)
    vector.add(row.vector)
    if (row.report) this.#reports.push({ messageId: row.messageId.toString(), report: row.report })
    parts.add(row.parts.length === 0 ? null : JSON.stringify(row.parts))
  }

  finish(): BodyColumns {
    const { id, at, state, text, html, cut, preview, vector, parts } = this.#writers
    return {
      messageIds: this.#messageIds,
      reports: this.#reports,
      columns: {
        id: id.finish(),
        at: at.finish(),
        state: state.finish(),
        text: text.finish(),
        html: html.finish(),
        cut: cut.finish(),
        preview: preview.finish(),
        vector: vector.finish(),
        parts: parts.finish(),
      },
    }
  }
}

export const toColumns = (rows: BodyRow[]): BodyColumns => {
  const writer = new ColumnsWriter()
  for (const row of rows) writer.add(row)
  return writer.finish()
}

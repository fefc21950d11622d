import type { MessagePart } from '@postern/shared/messages.ts'
import { request } from '#data/api.ts'
import { download } from '#data/download.ts'
import { saveAs } from '#lib/save-as.ts'
import { zipFiles } from '#lib/zip-files.ts'

/** More than this would have to lie in memory at once; then each file is saved by itself. */
const maxZipBytes = 250_000_000

/** Saves all files of a mail as one archive named after its subject. Throws ApiError when one cannot be fetched. */
export const saveAllParts = async (messageId: string, subject: string, parts: MessagePart[]): Promise<void> => {
  const addressOf = (part: MessagePart) => `/v1/messages/${messageId}/parts/${part.id}`
  if (parts.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0) > maxZipBytes) {
    for (const part of parts) download(addressOf(part))
    return
  }
  const files = []
  for (const part of parts) {
    const response = await request('GET', addressOf(part))
    files.push({ name: part.filename ?? 'attachment', bytes: new Uint8Array(await response.arrayBuffer()) })
  }
  const address = URL.createObjectURL(new Blob(zipFiles(files), { type: 'application/zip' }))
  saveAs(
    address,
    `${
      subject
        .replace(/[^\p{L}\p{N} ._-]+/gu, ' ')
        .trim()
        .slice(0, 80) || 'attachments'
    }.zip`,
  )
  // The browser has opened it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000)
}

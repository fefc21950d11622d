import type { Amount } from '@postern/shared/retrieval.ts'
import { fileSize } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'

/** What of a POP3 account nobody has any more once it is erased, as far as its last look tells. */
export const onlyHereText = ({ mails, bytes }: Amount): string => {
  if (mails === 0) return t('remove.onlyHere.none')
  const key = mails === 1 ? 'remove.onlyHere.one' : 'remove.onlyHere.other'
  return t(key, { n: mails.toLocaleString(), size: fileSize(bytes) })
}

import type { DraftAttachment } from '@postern/shared/drafts.ts'
import type { WallTime } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { uploadsOf, whenAttached } from './attachments.ts'
import { findDraft, patchDraft } from './draft-state.ts'
import { sendDraft } from './send-draft.ts'
import { whenFormatted } from './written-format.ts'

/**
 * With every picture and file that is still on its way, and nothing but what was seen: `seen` is the revision of the text that was
 * in sight when somebody said to send it.
 */
export const sendWhole = async (
  key: string,
  { seen, sendAt }: { seen: number | undefined; sendAt: WallTime | null },
): Promise<void> => {
  const draft = findDraft(key)
  // Asked twice while the warnings were looked for.
  if (!draft || draft.isSending) return
  if (draft.revision !== seen) return patchDraft(key, { problem: t('compose.changedElsewhere') })
  patchDraft(key, { isClosed: true, isSending: true, problem: null })
  const isFormatted = await whenFormatted(key)
  await whenAttached(key)
  const problem = isFormatted ? unattached(key) : t('compose.notFormatted')
  if (problem === null) return sendDraft(key, sendAt)
  patchDraft(key, { isClosed: false, isSending: false, problem })
}

const unattached = (key: string): string | null => {
  const name = uploadsOf(key)[0]?.file.name ?? findDraft(key)?.attachments.find(didNotCome)?.filename
  return name === undefined ? null : t('attach.notAll', { name })
}

const didNotCome = ({ state }: DraftAttachment): boolean => state === 'missing'

import type { EmailAddress } from '@postern/shared/wire.ts'
import { useEffect, useState } from 'react'
import { app, loadThread } from '#data/app-state.ts'
import { arrivals } from '#data/apply-change.ts'
import { wantsNotices } from '#data/notices.ts'
import { personName } from '#lib/format.ts'
import { navigate } from '#lib/route.ts'
import { t } from '#lib/text.ts'

/**
 * New mail: counted for lists that are scrolled away, said aloud for screen readers (the answer), and shown by the
 * system when the person wished so and looks elsewhere: one notice a batch, a click opens the mail.
 */
export const useArrivals = (): string => {
  const [text, setText] = useState('')
  useEffect(() => {
    const onArrival = async (mailboxId: string, threadIds: string[]) => {
      app.set((state) => ({
        arrived: { ...state.arrived, [mailboxId]: [...(state.arrived[mailboxId] ?? []), ...threadIds].slice(-200) },
      }))
      const [newest] = threadIds
      const mail = newest === undefined ? null : await headOf(newest)
      if (newest === undefined || !mail) return
      setText(t('live.new', { name: personName(mail.from), subject: mail.subject }))
      if (wantsNotices() && !document.hasFocus()) show(mailboxId, threadIds, newest, mail)
    }
    arrivals.listener = (mailboxId, threadIds) => void onArrival(mailboxId, threadIds).catch(() => undefined)
    return () => {
      arrivals.listener = () => undefined
    }
  }, [])
  return text
}

type Head = { from: EmailAddress; subject: string; preview: string }

/** The newest message of a conversation; null when it is gone already. */
const headOf = async (threadId: string): Promise<Head | null> => {
  await loadThread(threadId)
  const newest = app.get().threads[threadId]?.at(-1)
  const from = newest?.from[0]
  return newest && from ? { from, subject: newest.subject || t('view.noSubject'), preview: newest.preview } : null
}

const show = (mailboxId: string, threadIds: string[], newest: string, { from, subject, preview }: Head): void => {
  const isOne = threadIds.length === 1
  const notice = new Notification(isOne ? personName(from) : t('notice.new', { n: threadIds.length }), {
    body: isOne ? `${subject}\n${preview}`.slice(0, 240) : `${personName(from)}: ${subject}`,
    icon: '/icon.svg',
    // Several tabs hear of the same mail; the system shows what has one tag once.
    tag: `${mailboxId}:${newest}`,
  })
  notice.onclick = () => {
    focus()
    navigate(isOne ? `/mail/${mailboxId}/${newest}` : `/mail/${mailboxId}`)
    notice.close()
  }
}

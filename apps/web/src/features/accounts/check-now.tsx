import type { Account } from '@postern/shared/accounts.ts'
import { useEffect, useRef, useState } from 'react'
import { explain } from '#data/api.ts'
import { app } from '#data/app-state.ts'
import { lookNow } from '#data/look.ts'
import { t } from '#lib/page-text.ts'

/** `since`: the last look by then. What another one finds is told elsewhere, and this is over. */
type End = { text: string; isBad: boolean; since: string | null }

const lastLook = (accountId: string): string | null =>
  app.get().accounts.find(({ id }) => id === accountId)?.lastSyncedAt ?? null

/** Looks at a maildrop at once, and says beside the button what came of it. */
export const CheckNow = ({ account: { id, state, lastSyncedAt, problem } }: { account: Account }) => {
  const [end, setEnd] = useState<End | null>(null)
  const [isLooking, setLooking] = useState(false)
  const left = useRef<AbortController>(null)
  useEffect(() => () => left.current?.abort(), [])
  const look = async () => {
    if (isLooking) return
    const stop = new AbortController()
    left.current = stop
    setLooking(true)
    const tell = (text: string, isBad: boolean) => setEnd({ text, isBad, since: lastLook(id) })
    await lookNow(id, stop.signal).then(
      (text) => tell(text, false),
      (error: unknown) => tell(explain(error), true),
    )
    setLooking(false)
  }
  const shown = end?.since === lastSyncedAt ? end : null
  /** The card shows a lasting problem, with what helps. */
  const isTold = problem !== null && shown?.isBad === true && shown.text.startsWith(problem.message)
  return (
    <>
      <button
        type="button"
        className="button"
        aria-disabled={isLooking}
        disabled={state === 'paused'}
        onClick={() => void look()}
      >
        {t('maildrop.check')}
      </button>
      <span className={!isLooking && shown?.isBad ? 'field-error' : 'muted'} style={{ order: 1 }} role="status">
        {isLooking ? t('maildrop.looking') : isTold ? t('maildrop.failed') : shown?.text}
      </span>
    </>
  )
}

import { type ComponentType, useEffect, useLayoutEffect, useState } from 'react'
import { app, setting } from '#data/app-state.ts'
import { useDrafts } from '#data/draft-state.ts'
import { startWriting } from '#data/writing.ts'
import { t } from '#lib/composer-text.ts'
import { useMedia } from '#lib/use-media.ts'
import { Composer, takeTyped } from './composer.tsx'
import { placesFor } from './places.ts'
import { useBack } from './use-back.ts'
import { useSteady } from './use-steady.ts'

/** What the screen hands in: features never import each other. */
export type ComposerParts = { SealedMail: ComponentType<{ messageId: string }> }

let isStarted = false
const startOnce = (isWindow: boolean): void => {
  if (isStarted) return
  isStarted = true
  startWriting({ isWindow })
}

/** Every draft that is open, side by side as far as there is room; the older ones show their titles. */
export const Composers = ({ parts }: { parts: ComposerParts }) => {
  useEffect(() => startOnce(false), [])
  const drafts = useDrafts((list) => list.filter(({ isClosed }) => !isClosed))
  const isPhone = useMedia('(max-width: 679px)')
  const width = useWidth()
  const places = placesFor(drafts, isPhone, width)
  const isCovering = places.includes('full')
  useCover(isCovering)
  useBack((isPhone && drafts[places.indexOf('full')]?.key) || null, takeTyped)
  useSteady(drafts.map(({ key }, at) => `${key} ${places[at]}`).join())
  if (drafts.length === 0) return null
  return (
    <div className={isCovering ? 'composers covering' : 'composers'}>
      {drafts.map((draft, at) => (
        <Composer key={draft.key} draft={draft} place={places[at] ?? 'minimized'} parts={parts} />
      ))}
    </div>
  )
}

/** A draft in a window of its own. */
export const ComposeWindow = ({ draftId, parts }: { draftId: string; parts: ComposerParts }) => {
  const [state, setState] = useState<'loading' | 'open' | 'gone'>('loading')
  const drafts = useDrafts((list) => list.filter(({ isClosed }) => !isClosed))
  useEffect(() => {
    startOnce(true)
    void import('#data/open-drafts.ts')
      .then(({ openKnown }) => openKnown(draftId, { place: 'full', takesFocus: true }))
      .then(
        () => setState('open'),
        () => setState('gone'),
      )
  }, [draftId])
  const draft = drafts.at(-1)
  // What is closed may still be at work: it is saved, or on its way.
  const isBusy = useDrafts((list) => list.length > 0)
  const isSending = useDrafts((list) => list.some((one) => one.isSending))
  useEffect(() => {
    if (state !== 'open' || isBusy) return
    const undoMs = setting(app.get(), 'undoSendSeconds', 10) * 1000
    const timer = setTimeout(() => window.close(), Math.max(closeAfterMs, undoMs + 2000))
    return () => clearTimeout(timer)
  }, [state, isBusy])
  if (draft)
    return (
      <main className="compose-window">
        <Composer draft={draft} place="full" parts={parts} isWindow />
      </main>
    )
  return (
    <main className="centre">
      {state === 'gone' && <p>{t('compose.gone')}</p>}
      {state === 'open' && !isBusy && <p>{t('compose.windowDone')}</p>}
      {isSending && <p role="status">{t('compose.sending')}</p>}
    </main>
  )
}
/** Sent, closed or discarded; as long as what was done can be taken back here. */
const closeAfterMs = 12_000

/** What lies under a panel that covers the screen is out of reach. */
const useCover = (isCovering: boolean): void => {
  useLayoutEffect(() => {
    if (!isCovering) return
    const under = [...document.querySelectorAll<HTMLElement>('.mail, main.page')]
    for (const one of under) one.inert = true
    return () => {
      for (const one of under) one.inert = false
    }
  }, [isCovering])
}

const useWidth = (): number => {
  const [width, setWidth] = useState(innerWidth)
  useEffect(() => {
    const onResize = () => setWidth(innerWidth)
    addEventListener('resize', onResize)
    return () => removeEventListener('resize', onResize)
  }, [])
  return width
}

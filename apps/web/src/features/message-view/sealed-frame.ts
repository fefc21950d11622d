import { type RefObject, useLayoutEffect, useRef, useState } from 'react'
import { t } from '#lib/text.ts'

/** Exactly this: links open outside, nothing runs. A test holds the string. */
const frameSandbox = 'allow-same-origin allow-popups allow-popups-to-escape-sandbox'
const framePath = '/message-frame.html'

const makeFrame = (): HTMLIFrameElement => {
  const frame = document.createElement('iframe')
  frame.title = t('view.frame')
  frame.setAttribute('sandbox', frameSandbox)
  frame.referrerPolicy = 'no-referrer'
  frame.src = framePath
  return frame
}

/** The frame's own document is there: not the blank one before it, and not the browser's page about a failure. */
const isLoaded = ({ contentDocument }: HTMLIFrameElement): boolean =>
  contentDocument?.readyState === 'complete' && contentDocument.location.pathname === framePath

/** One that has its document and waits. Loading costs more than a mail does to be read, cleaned and drawn. */
let spare: HTMLIFrameElement | null = null

/**
 * Loads a frame for the next mail. Each shows one mail and goes away with it; none is emptied for another. Browsers that
 * cannot move a frame without loading it again have none.
 */
export const prepareFrame = (): void => {
  if (spare || !('moveBefore' in document.body)) return
  const frame = makeFrame()
  frame.hidden = true
  frame.onload = () => {
    if (isLoaded(frame)) return
    frame.remove()
    spare = null
  }
  document.body.append(frame)
  spare = frame
}

/** The spare one if it is ready, else one that has yet to load. */
const placeFrame = (host: HTMLElement): HTMLIFrameElement => {
  if (!spare || !isLoaded(spare)) {
    const frame = makeFrame()
    host.append(frame)
    return frame
  }
  const frame = spare
  spare = null
  host.moveBefore(frame, null)
  frame.hidden = false
  return frame
}

const afterPaint = (work: () => void): void => void requestAnimationFrame(() => setTimeout(work))

/**
 * The frame in `host`, as long as that is there, and its document as soon as it can be filled. What `takesLong` is filled
 * when the screen has answered the click.
 */
export const useSealedFrame = (
  host: RefObject<HTMLElement | null>,
  takesLong: boolean,
): { frame: HTMLIFrameElement | null; page: Document | null } => {
  const [frame, setFrame] = useState<HTMLIFrameElement | null>(null)
  const [page, setPage] = useState<Document | null>(null)
  const isLate = useRef(takesLong)
  useLayoutEffect(() => {
    if (!host.current) return
    const placed = placeFrame(host.current)
    setFrame(placed)
    const take = () => setPage(placed.contentDocument)
    placed.onload = take
    if (isLoaded(placed)) {
      if (isLate.current) afterPaint(take)
      else take()
    }
    afterPaint(prepareFrame)
    return () => placed.remove()
  }, [host])
  return { frame, page }
}

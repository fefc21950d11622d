import { useEffect, useLayoutEffect, useRef, useState } from 'react'
import { call } from '#data/api.ts'
import { onMailtoClick } from '#data/compose-wish.ts'
import { t } from '#lib/text.ts'
import { fitWidth } from './fit-width.ts'
import type { MisleadingLink } from './misleading-links.ts'
import { type SanitizedMail, sanitizeMail } from './sanitize.ts'
import { useSealedFrame } from './sealed-frame.ts'
import { type Paper, showMail, showRemote, watchMissing } from './show-mail.ts'

export type FrameProps = {
  /** Null: it is no message yet, and nothing remote is loaded for it. */
  messageId: string | null
  html: string
  /** Where those are that the mail brings along, by their content ids. */
  pictures: Map<string, string>
  loadsRemote: boolean
  /** Raised to try again what did not come. */
  attempt: number
  isDark: boolean
  onFound: (found: FoundInMail) => void
  onMissing: (pictures: number) => void
}
/** What the sanitiser found; `isBroken` when it could not cope with this mail, which is then shown as text. */
export type FoundInMail = { remote: number; misleadingLinks: MisleadingLink[]; isBroken: boolean }

const maxRemote = 500
/** From here on cleaning a mail takes longer than a frame of the screen. Characters. */
const longMail = 50_000

/** The sealed frame: a static document with a policy of its own, filled by the sanitiser and by nothing else. */
export const MessageFrame = ({
  messageId,
  html,
  pictures,
  loadsRemote,
  attempt,
  isDark,
  onFound,
  onMissing,
}: FrameProps) => {
  const host = useRef<HTMLDivElement>(null)
  const { frame, page } = useSealedFrame(host, html.length > longMail)
  const [height, setHeight] = useState(120)
  const [isTooWide, setTooWide] = useState(false)
  const [mail, setMail] = useState<SanitizedMail | null>(null)

  useEffect(() => {
    if (!page) return
    const sanitized = showSafely(page, html, { cids: pictures, isDark })
    if (sanitized === null) return onFound({ remote: 0, misleadingLinks: [], isBroken: true })
    setMail(sanitized)
    onFound({
      remote: sanitized.images.length + sanitized.backgrounds.length,
      misleadingLinks: sanitized.misleadingLinks,
      isBroken: false,
    })
    const measure = () => {
      setTooWide(fitWidth(page))
      setHeight(Math.min(20_000, Math.max(40, page.documentElement.scrollHeight)))
    }
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(page.body)
    // Images arrive later and change the size.
    page.body.addEventListener('load', measure, true)
    page.addEventListener('click', onMailtoClick)
    return () => {
      observer.disconnect()
      page.body.removeEventListener('load', measure, true)
      page.removeEventListener('click', onMailtoClick)
    }
  }, [page, html, isDark, pictures, onFound])

  // biome-ignore lint/correctness/useExhaustiveDependencies: another attempt does the same again
  useEffect(() => {
    if (!mail || !loadsRemote || !page || messageId === null) return
    const urls = [...new Set([...mail.images, ...mail.backgrounds])].slice(0, maxRemote)
    if (urls.length === 0) return
    onMissing(0)
    const stop = watchMissing(page, onMissing)
    call('createRemoteImageLinks', 'POST', `/v1/messages/${messageId}/remote-images`, { body: { urls } }).then(
      ({ links }) => showRemote(page, mail, links),
      () => onMissing(mail.images.length),
    )
    return stop
  }, [page, mail, loadsRemote, messageId, onMissing, attempt])

  const paper = paperFor(mail, isDark)
  useLayoutEffect(() => {
    if (!frame) return
    frame.className = `html-body ${paper}`
    frame.style.height = `${height}px`
  }, [frame, paper, height])
  return (
    <>
      {isTooWide && <p className="muted">{t('view.tooWide')}</p>}
      <div ref={host} />
    </>
  )
}

const paperFor = (mail: SanitizedMail | null, isDark: boolean): Paper =>
  !isDark ? 'white' : mail?.bringsDark ? 'dark' : 'turned'

/** Null for a mail that breaks the sanitiser: it must not take the screen with it. */
const showSafely = (
  page: Document,
  html: string,
  { cids, isDark }: { cids: Map<string, string>; isDark: boolean },
): SanitizedMail | null => {
  const frame = page.defaultView
  if (!frame) return null
  try {
    const mail = sanitizeMail(html, cids, frame)
    showMail(page, mail, paperFor(mail, isDark))
    return mail
  } catch {
    return null
  }
}

import type { MessagePart } from '@postern/shared/messages.ts'
import { useEffect, useRef, useState } from 'react'
import { call } from '#data/api.ts'
import { sanitizeMail } from './sanitize.ts'

/** Exactly this: links open outside, nothing runs. A test holds the string. */
export const frameSandbox = 'allow-same-origin allow-popups allow-popups-to-escape-sandbox'

type Props = {
  messageId: string
  html: string
  parts: MessagePart[]
  loadsRemote: boolean
  isDark: boolean
  onRemote: (count: number) => void
}

/** The sealed frame: a static document with a policy of its own, filled by the sanitiser and by nothing else. */
export const MessageFrame = ({ messageId, html, parts, loadsRemote, isDark, onRemote }: Props) => {
  const ref = useRef<HTMLIFrameElement>(null)
  const [isLoaded, setLoaded] = useState(false)
  const [height, setHeight] = useState(120)

  useEffect(() => {
    const page = ref.current?.contentDocument
    const frame = page?.defaultView
    if (!isLoaded || !page || !frame) return
    const cids = new Map(
      parts.flatMap((part) =>
        part.contentId && part.preview === 'image'
          ? [[part.contentId, `/v1/messages/${messageId}/parts/${part.id}/preview`] as const]
          : [],
      ),
    )
    const { fragment, remoteUrls } = sanitizeMail(html, cids, frame)
    const style = page.createElement('style')
    style.textContent = frameStyle(isDark)
    page.head.querySelector('style')?.remove()
    page.head.append(style)
    page.body.replaceChildren(page.adoptNode(fragment))
    onRemote(remoteUrls.length)
    const measure = () => setHeight(Math.min(20_000, Math.max(40, page.documentElement.scrollHeight)))
    measure()
    const observer = new ResizeObserver(measure)
    observer.observe(page.body)
    // Images arrive later and change the height.
    page.body.addEventListener('load', measure, true)
    return () => observer.disconnect()
  }, [isLoaded, html, isDark, messageId, parts, onRemote])

  useEffect(() => {
    const page = ref.current?.contentDocument
    if (!isLoaded || !loadsRemote || !page) return
    const images = [...page.querySelectorAll<HTMLImageElement>('img[data-postern-src]')]
    const urls = [...new Set(images.map((image) => image.dataset.posternSrc ?? ''))].filter(Boolean).slice(0, 500)
    if (urls.length === 0) return
    void call('createRemoteImageLinks', 'POST', `/v1/messages/${messageId}/remote-images`, { body: { urls } }).then(
      ({ links }) => {
        for (const image of images) {
          const link = links[image.dataset.posternSrc ?? '']
          if (link) image.src = link
        }
      },
    )
  }, [isLoaded, loadsRemote, messageId])

  return (
    <iframe
      ref={ref}
      className={isDark ? 'html-body dark' : 'html-body'}
      title="Message"
      src="/message-frame.html"
      sandbox={frameSandbox}
      referrerPolicy="no-referrer"
      style={{ height }}
      onLoad={() => setLoaded(true)}
    />
  )
}

/** Newsletters keep their own look; what brings none gets ours. */
const frameStyle = (isDark: boolean): string => `
  :root { color-scheme: light; background: #fff; color: #1c1d1f; }
  body { margin: 0; padding: 8px; font: 15px/1.5 system-ui, sans-serif; overflow-wrap: anywhere; overflow-x: auto; }
  ${isDark ? 'img { filter: invert(1) hue-rotate(180deg); }' : ''}
  img { max-width: 100%; height: auto; }
  table { max-width: 100%; }
  pre { white-space: pre-wrap; }
  blockquote { margin-inline: 8px 0; padding-inline-start: 8px; border-inline-start: 2px solid #999; }`

import { backgroundVariable, type SanitizedMail } from './sanitize.ts'

/** What the mail lies on: white paper, white paper that the screen turns dark, or the mail's own dark look. */
export type Paper = 'white' | 'turned' | 'dark'

/** Puts a sanitised mail into the frame's document, whole: nothing of it is copied as text. */
export const showMail = (page: Document, mail: SanitizedMail, paper: Paper): void => {
  page.replaceChild(page.adoptNode(mail.root), page.documentElement)
  // What is left of a frameset has none.
  if (!page.body) page.documentElement.append(page.createElement('body'))
  for (const image of page.querySelectorAll('img[width]'))
    if (Number(image.getAttribute('width')) > wideImage) image.setAttribute('data-postern-wide', '')
  const style = page.createElement('style')
  style.textContent = frameStyle(paper)
  page.head.prepend(style)
}

/** Gives the pictures that were moved aside their addresses at our proxy. */
export const showRemote = (page: Document, mail: SanitizedMail, links: Record<string, string>): void => {
  for (const image of remoteImages(page)) {
    const link = links[image.dataset.posternSrc ?? '']
    if (link) image.src = link
  }
  for (const [index, url] of mail.backgrounds.entries()) {
    const link = links[url]
    if (link) page.documentElement.style.setProperty(backgroundVariable(index), `url("${CSS.escape(link)}")`)
  }
}

const remoteImages = (page: Document) => page.querySelectorAll<HTMLImageElement>('img[data-postern-src]')

/**
 * Counts the pictures that do not come, and takes their broken boxes away: what stays is their text, as before consent.
 * Answers how to stop.
 */
export const watchMissing = (page: Document, onMissing: (missing: number) => void): (() => void) => {
  let missing = 0
  const onError = ({ target }: Event) => {
    const image = [...remoteImages(page)].find((one) => one === target)
    if (!image) return
    image.removeAttribute('src')
    onMissing(++missing)
  }
  // Errors of pictures do not bubble.
  page.addEventListener('error', onError, true)
  return () => page.removeEventListener('error', onError, true)
}

/** Pictures wider than this give way on narrow screens, and keep their shape. Pixels. */
const wideImage = 300

/**
 * Newsletters keep their own look; what brings none gets ours: in a layer, normal rules lose to every rule of the mail and
 * important ones win. The frame is as high as its content, so neither root may take its height from it.
 */
const frameStyle = (paper: Paper): string => `@layer {
  html, body { height: auto !important; min-height: 0 !important; max-height: none !important; }
  :root { color-scheme: ${paper === 'dark' ? 'dark' : 'light'}; ${paper === 'dark' ? '' : 'color: #1c1d1f;'} }
  body { margin: 8px; font-family: system-ui, sans-serif; overflow-wrap: break-word; overflow-x: auto; }
  body:not(:has(table)) { line-height: 1.5; }
  ${paper === 'turned' ? 'img { filter: invert(1) hue-rotate(180deg); }' : ''}
  img { max-width: 100%; }
  td img[width] { max-width: none; }
  @media (max-width: 600px) { img, td img[width] { max-width: 100%; } img[data-postern-wide] { height: auto; } }
  pre { white-space: pre-wrap; }
  blockquote { margin-inline: 8px 0; padding-inline-start: 8px; border-inline-start: 2px solid #999; }
}`

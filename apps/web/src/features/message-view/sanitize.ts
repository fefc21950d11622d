import DOMPurify from 'dompurify'
import { t } from '#lib/text.ts'
import { type CssFrame, cleanDeclarations, cleanSheet } from './clean-css.ts'
import { addressAttributes, mailElements, plainAttributes } from './mail-elements.ts'
import { type MisleadingLink, misleadingLink } from './misleading-links.ts'

/**
 * The last step before a mail's HTML is shown: HTML only, nothing that runs, and nothing that loads. The tree goes straight
 * into the sealed frame; after this nothing edits it as text. Addresses of remote pictures are moved aside and not judged:
 * `data-postern-src` on images, and for backgrounds a variable of the document (`backgroundVariable`) without a value.
 */
export type SanitizedMail = {
  /** The whole document: mails style their `body`, and their sheets are in the head. */
  root: HTMLElement
  images: string[]
  backgrounds: string[]
  misleadingLinks: MisleadingLink[]
  /** The mail has a look of its own for dark screens. */
  bringsDark: boolean
}

export const backgroundVariable = (index: number): string => `--postern-remote-${index}`
/** The mark that follows a link which says one address and leads to another. */
export const leadsToMark = 'data-postern-leads-to'

const rasterData = /^data:image\/(?:png|jpe?g|gif|webp);base64,[a-z0-9+/=\s]*$/i
const remoteAddress = /^(?:https?:)?\/\//i
const maxRemote = 500

export const sanitizeMail = (html: string, cids: Map<string, string>, frame: CssFrame): SanitizedMail => {
  const images = new Set<string>()
  const backgrounds: string[] = []
  let bringsDark = false
  const putBackground = (url: string): string | null => {
    if (rasterData.test(url)) return `url("${url}")`
    const inline = inlineAddress(url, cids)
    if (inline !== undefined) return `url("${inline}")`
    const remote = remoteUrl(url)
    if (remote === null) return null
    let index = backgrounds.indexOf(remote)
    if (index === -1 && backgrounds.length < maxRemote) index = backgrounds.push(remote) - 1
    return index === -1 ? null : `var(${backgroundVariable(index)}, none)`
  }
  // Parsed by the very document that shows it: scripting is off there, so both read the mail alike.
  const purifier = DOMPurify(frame)
  purifier.addHook('uponSanitizeElement', (node, { tagName }) => {
    if (tagName !== 'style' || !node.textContent) return
    const cleaned = cleanSheet(node.textContent, frame, putBackground)
    node.textContent = cleaned.css
    if (cleaned.bringsDark) bringsDark = true
  })
  purifier.addHook('afterSanitizeAttributes', (node) => {
    const element = node as HTMLElement // only HTML elements are let through
    const source = take(element, 'src')
    if (source !== null && element.tagName === 'IMG') placeImage(element, source.trim(), cids, images)
    if (element.hasAttribute('style')) {
      cleanDeclarations(element.style, putBackground)
      if (element.style.length === 0) element.removeAttribute('style')
    }
    const background = take(element, 'background')
    const put = background === null ? null : putBackground(background.trim())
    if (put !== null && element.style.backgroundImage === '') element.style.backgroundImage = put
    if (element.tagName === 'A' || element.tagName === 'AREA') placeLink(element)
    // A name on anything else could shadow what a document calls its own.
    else if (element.tagName !== 'MAP') element.removeAttribute('name')
  })
  const root = purifier.sanitize(html, {
    ALLOWED_TAGS: mailElements,
    ALLOWED_ATTR: [...plainAttributes, ...addressAttributes],
    ADD_URI_SAFE_ATTR: plainAttributes,
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|data:image\/(?:png|jpe?g|gif|webp);base64,|#|\/\/)/i,
    ALLOW_DATA_ATTR: false,
    WHOLE_DOCUMENT: true,
    RETURN_DOM: true,
  }) as HTMLElement // the html element, by WHOLE_DOCUMENT
  return { root, images: [...images].slice(0, maxRemote), backgrounds, misleadingLinks: markLinks(root), bringsDark }
}

/** The value of an attribute, which is gone afterwards. */
const take = (element: Element, name: string): string | null => {
  const value = element.getAttribute(name)
  element.removeAttribute(name)
  return value
}

const inlineAddress = (url: string, cids: Map<string, string>): string | undefined => {
  if (!/^cid:/i.test(url)) return undefined
  try {
    return cids.get(decodeURIComponent(url.slice(4)))
  } catch {
    return cids.get(url.slice(4))
  }
}

/** A remote address as it is asked for; null for every other kind. What starts with two slashes is meant for the web. */
const remoteUrl = (url: string): string | null => {
  if (!remoteAddress.test(url)) return null
  const whole = url.startsWith('//') ? `https:${url}` : url
  return URL.canParse(whole) ? whole : null
}

const placeImage = (element: HTMLElement, source: string, cids: Map<string, string>, images: Set<string>): void => {
  const remote = remoteUrl(source)
  const inline = rasterData.test(source) ? source : inlineAddress(source, cids)
  if (inline !== undefined) element.setAttribute('src', inline)
  else if (remote !== null) {
    element.setAttribute('data-postern-src', remote)
    images.add(remote)
  }
}

/** Links open outside and tell nobody where they were; links within the mail stay in it. */
const placeLink = (element: HTMLElement): void => {
  const href = element.getAttribute('href')?.trim()
  const name = take(element, 'name')
  if (name && !element.id && element.tagName === 'A') element.id = name
  if (!href) return
  if (href.startsWith('#')) element.setAttribute('target', '_self')
  else {
    if (href.startsWith('//')) element.setAttribute('href', `https:${href}`)
    element.setAttribute('target', '_blank')
    element.setAttribute('rel', 'noopener noreferrer nofollow')
  }
}

/** Says beside each link whose words name another host where it really leads. Nothing in a mail's style can hide it. */
const markLinks = (root: HTMLElement): MisleadingLink[] => {
  const found: MisleadingLink[] = []
  for (const link of root.querySelectorAll<HTMLAnchorElement>('a[href]')) {
    const misleading = misleadingLink(link.textContent ?? '', link.getAttribute('href') ?? '')
    if (misleading === null) continue
    found.push(misleading)
    const mark = root.ownerDocument.createElement('span')
    mark.setAttribute(leadsToMark, '')
    mark.textContent = ` (${t('view.leadsTo', { target: misleading.target })}) `
    mark.style.cssText =
      'all: initial !important; font: 13px system-ui, sans-serif !important; color: #8a4b00 !important; background: #fff4e0 !important'
    link.after(mark)
    link.title = link.getAttribute('href') ?? ''
  }
  return found
}

import DOMPurify, { type WindowLike } from 'dompurify'

/**
 * The last step before a mail's HTML is shown: HTML only, no SVG, no MathML, nothing that runs, and nothing that loads. The
 * fragment goes straight into the sealed frame; after this nothing edits it as text. Every remote address is moved aside
 * (`data-postern-src`) instead of being judged, so that a forgotten attribute loads nothing: the frame's own policy would
 * refuse it as well.
 */
export type SanitizedMail = { fragment: DocumentFragment; remoteUrls: string[] }

/** Addresses in attributes that load by themselves. `href` of links is not one of them. */
const loadingAttributes = [
  'src',
  'srcset',
  'background',
  'poster',
  'data',
  'lowsrc',
  'dynsrc',
  'longdesc',
  'codebase',
  'classid',
  'profile',
  'usemap',
  'archive',
  'cite',
  'action',
  'formaction',
  'ping',
  'manifest',
  'xlink:href',
]
const cssLoads =
  /url\s*\(|image-set\s*\(|@import|@font-face|expression\s*\(|-moz-binding|behavior\s*:|\\|src\s*\(|var\s*\(\s*--[^)]*url/i

export const sanitizeMail = (html: string, cids: Map<string, string>, frame: WindowLike): SanitizedMail => {
  const remoteUrls = new Set<string>()
  // Parsed by the very document that shows it: scripting is off there, so both read the mail alike.
  const purifier = DOMPurify(frame)
  purifier.addHook('uponSanitizeElement', (node, { tagName }) => {
    // Style sheets: whole rules that load something are taken out; the look of the rest stays.
    if (tagName === 'style' && node.textContent) node.textContent = withoutLoads(node.textContent)
  })
  purifier.addHook('afterSanitizeAttributes', (node) => {
    for (const name of loadingAttributes) {
      const value = node.getAttribute(name)
      if (value === null) continue
      node.removeAttribute(name)
      if (name !== 'src' || node.tagName !== 'IMG') continue
      const inline = /^cid:/i.test(value) ? cids.get(decodeCid(value)) : undefined
      if (inline) node.setAttribute('src', inline)
      else if (/^data:image\/(png|jpe?g|gif|webp);base64,/i.test(value)) node.setAttribute('src', value)
      else if (/^https?:/i.test(value.trim())) {
        node.setAttribute('data-postern-src', value.trim())
        remoteUrls.add(value.trim())
      }
    }
    const style = node.getAttribute('style')
    if (style !== null && cssLoads.test(style))
      node.setAttribute(
        'style',
        style
          .split(';')
          .filter((rule) => !cssLoads.test(rule))
          .join(';'),
      )
    if (node.tagName === 'A' && node.hasAttribute('href')) {
      node.setAttribute('target', '_blank')
      node.setAttribute('rel', 'noopener noreferrer nofollow')
    }
  })
  const fragment = purifier.sanitize(html, {
    USE_PROFILES: { html: true },
    FORBID_TAGS: [
      'form',
      'input',
      'button',
      'textarea',
      'select',
      'option',
      'video',
      'audio',
      'source',
      'track',
      'picture',
      'dialog',
      'link',
      'meta',
      'base',
      'iframe',
      'object',
      'embed',
      'template',
      'slot',
      'map',
      'area',
    ],
    FORBID_ATTR: ['autofocus', 'id', 'name', 'contenteditable', 'popover', 'popovertarget'],
    ALLOWED_URI_REGEXP: /^(?:https?:|mailto:|tel:|cid:|data:image\/(?:png|jpe?g|gif|webp);base64,|#)/i,
    ALLOW_DATA_ATTR: false,
    WHOLE_DOCUMENT: false,
    FORCE_BODY: true,
    RETURN_DOM_FRAGMENT: true,
  })
  return { fragment, remoteUrls: [...remoteUrls] }
}

const decodeCid = (value: string): string => {
  try {
    return decodeURIComponent(value.slice(4))
  } catch {
    return value.slice(4)
  }
}

const withoutLoads = (css: string): string => {
  if (!cssLoads.test(css)) return css
  // Rule by rule; what cannot be told apart is left out.
  return css
    .replace(/@(import|font-face|namespace|charset)[^;{]*(;|\{[^}]*\})/gi, '')
    .replace(/([^{}]*)\{([^{}]*)\}/g, (_, selector: string, body: string) =>
      cssLoads.test(selector)
        ? ''
        : `${selector}{${body
            .split(';')
            .filter((rule) => !cssLoads.test(rule))
            .join(';')}}`,
    )
    .split('}')
    .map((rule) => (cssLoads.test(rule) ? '' : rule))
    .join('}')
}

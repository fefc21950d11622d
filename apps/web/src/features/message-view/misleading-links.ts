/** Links that say one address and lead to another. */
export type MisleadingLink = { shown: string; target: string }

const withScheme = /https?:\/\/([^\s/?#"'<>]+)/i
/** A bare host counts when it ends like one: two letters, or a common longer ending; `report.pdf` is a file. */
const bareHost =
  /^(?:www\.)?((?:[a-z0-9-]+\.)+(?:[a-z]{2}|com|org|net|edu|gov|mil|int|info|biz|name|app|dev|bank|shop|store|online|cloud|site|email|xn--[a-z0-9-]+))(?::\d+)?(?:[/?#]\S*)?$/i
const address = /^[^\s@<>]+@((?:[a-z0-9-]+\.)+[a-z0-9-]{2,})$/i
const maxTextLength = 300

const hostOf = (text: string): string | null => {
  const shown = text.trim()
  if (shown.length > maxTextLength) return null
  const found = withScheme.exec(shown)?.[1] ?? bareHost.exec(shown)?.[1]
  if (found === undefined || !URL.canParse(`https://${found}`)) return null
  return new URL(`https://${found}`).hostname
}

const isSameSite = (a: string, b: string): boolean => {
  const [one, other] = [a.replace(/^www\./, ''), b.replace(/^www\./, '')]
  return one === other || one.endsWith(`.${other}`) || other.endsWith(`.${one}`)
}

/** What a link shows and where it leads, if its words name a host that is not the target's; null for every other link. */
export const misleadingLink = (text: string, href: string): MisleadingLink | null => {
  if (!URL.canParse(href)) return null
  const url = new URL(href)
  if (url.protocol === 'mailto:') {
    const shown = address.exec(text.trim())?.[1]?.toLowerCase()
    const target = decodeURIComponentSafely(url.pathname).split('@').at(-1)?.toLowerCase() ?? ''
    return shown === undefined || isSameSite(shown, target) ? null : { shown, target }
  }
  if (url.protocol !== 'http:' && url.protocol !== 'https:') return null
  const shown = hostOf(text)
  return shown === null || isSameSite(shown, url.hostname) ? null : { shown, target: url.hostname }
}

const decodeURIComponentSafely = (text: string): string => {
  try {
    return decodeURIComponent(text)
  } catch {
    return text
  }
}

const reference = /\bcid:([^\s"'<>()]+)/gi

/** The Content-IDs that HTML names, without brackets, as they are written and as they are meant. RFC 2392: they may be percent-encoded. */
export const idsShownIn = (html: string): Set<string> => {
  const shown = new Set<string>()
  for (const [, id = ''] of html.matchAll(reference)) shown.add(id).add(unescaped(id))
  return shown
}

/** The same HTML, with a picture under another id. */
export const renameShown = (html: string, from: string, to: string): string =>
  html.replace(reference, (whole, id: string) => (id === from || unescaped(id) === from ? `cid:${to}` : whole))

const unescaped = (id: string): string => {
  try {
    return decodeURIComponent(id.replaceAll('&amp;', '&'))
  } catch {
    return id
  }
}

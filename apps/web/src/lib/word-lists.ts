/**
 * Word writes the items of a list as paragraphs that tell its depth (`mso-list:l0 level2 lfo1`) and bring their marks as text. Those
 * that follow each other become one list. Styles are read from `data-style`.
 */
export const listsOfWord = (body: HTMLElement): void => {
  for (const item of [...body.querySelectorAll('[data-style*="mso-list"]')]) {
    // Taken into a list together with one before it.
    if (item.isConnected && depthOf(item) > 0) build(item)
  }
}

const build = (first: Element): void => {
  const items = [first]
  for (let next = first.nextElementSibling; next && depthOf(next) > 0; next = next.nextElementSibling) items.push(next)
  const open: { depth: number; list: HTMLElement }[] = []
  const place = document.createComment('')
  first.before(place)
  const lists: HTMLElement[] = []
  for (const item of items) {
    const depth = depthOf(item)
    const mark = takeMark(item)
    while ((open.at(-1)?.depth ?? 0) > depth) open.pop()
    let list = open.at(-1)
    const kind = /^\(?(?:\d+|[a-z]{1,5})[.)]$/i.test(mark) ? 'ol' : 'ul'
    if (list && list.depth === depth && open.length === 1 && list.list.localName !== kind)
      list = open.pop() && undefined
    if (!list || list.depth < depth) {
      const fresh = { depth, list: startList(kind, mark) }
      const above = list?.list.lastElementChild
      if (above) above.append(fresh.list)
      else lists.push(fresh.list)
      open.push(fresh)
      list = fresh
    }
    const line = document.createElement('div')
    line.append(...item.childNodes)
    const entry = document.createElement('li')
    entry.append(line)
    list.list.append(entry)
    item.remove()
  }
  place.replaceWith(...lists)
}

const startList = (kind: 'ol' | 'ul', mark: string): HTMLElement => {
  const list = document.createElement(kind)
  const start = Number.parseInt(mark.replace('(', ''), 10)
  if (start > 1) list.setAttribute('start', String(start))
  return list
}

/** 0: no item. */
const depthOf = (element: Element): number =>
  /^(?:p|div|h[1-6])$/.test(element.localName)
    ? Number(/mso-list:[^;]*\blevel(\d)/i.exec(element.getAttribute('data-style') ?? '')?.[1] ?? 0)
    : 0

const takeMark = (item: Element): string => {
  const mark = item.querySelector('[data-style*="mso-list:Ignore" i]')
  mark?.remove()
  return (mark?.textContent ?? '').trim()
}

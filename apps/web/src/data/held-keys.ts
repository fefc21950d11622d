import { isTyping } from './screen-commands.ts'

/**
 * What is typed while a composer or the palette opens is meant for it, not for the mail behind. It is held until that has the focus,
 * and then written there. Where it does not come, the keys are let go and do nothing. Tab ends a field, and Enter chooses in the
 * palette, as they will when it is here. Whoever uses the pointer meanwhile, or Escape, is not kept from it.
 */
const takers = '[data-composer], [data-palette]'
const focusWithinMs = 1000
const holdAtMostMs = 5000
const newline = '\n'
const fieldEnd = '\t'

let waiting = 0
/** Raised when keys are let go: what was wished before that has no say in what is held since. */
let round = 0
let text = ''
let letGo: ReturnType<typeof setTimeout> | undefined
let atLast: ReturnType<typeof setTimeout> | undefined

/** Until `opened` has come true and what was opened has the focus; without it, until that alone. */
export const holdKeys = (opened: Promise<unknown> = new Promise(() => undefined)): void => {
  waiting += 1
  const own = round
  clearTimeout(letGo)
  clearTimeout(atLast)
  atLast = setTimeout(stop, holdAtMostMs)
  addEventListener('keydown', hold, true)
  addEventListener('pointerdown', stop, true)
  addEventListener('focusin', give)
  void opened
    .catch(() => undefined)
    .then(() => {
      if (own !== round) return
      waiting -= 1
      if (waiting === 0) letGo = setTimeout(stop, focusWithinMs)
    })
}

const stop = (): void => {
  text = ''
  waiting = 0
  round += 1
  clearTimeout(letGo)
  clearTimeout(atLast)
  removeEventListener('keydown', hold, true)
  removeEventListener('pointerdown', stop, true)
  removeEventListener('focusin', give)
}

const hold = (event: KeyboardEvent): void => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing || isTyping(event.target)) return
  if (document.querySelector('dialog[open]') || /^F\d/.test(event.key)) return
  if (event.key === 'Escape') {
    stop()
    return
  }
  event.preventDefault()
  event.stopImmediatePropagation()
  // The key that opens it, held down, is no text.
  if (event.repeat) return
  if (event.key.length === 1) text += event.key
  else if (event.key === 'Enter') text += newline
  else if (event.key === 'Tab' && !event.shiftKey) text += fieldEnd
  else if (event.key === 'Backspace') text = text.slice(0, -1)
}

/** By the browser's own way to type, so that it can be taken back as what is typed. */
const give = ({ target }: FocusEvent): void => {
  if (!(target instanceof Element)) return
  const isTaker = target.closest(takers) !== null
  // Another dialog came, such as that it is not here.
  if (!isTaker && target.closest('dialog')) stop()
  if (!isTaker || !isTyping(target)) return
  const typed = text
  stop()
  // The editor takes note of its focus first; the next key comes after it in any case.
  if (typed !== '') queueMicrotask(() => type(typed))
}

const type = (typed: string): void => {
  const [here = '', ...further] = typed.split(fieldEnd)
  for (const [at, line] of here.split(newline).entries()) {
    if (at > 0 && document.activeElement?.matches('[data-palette]')) {
      choose(document.activeElement)
      return
    }
    if (at > 0) document.execCommand('insertParagraph')
    if (line !== '') document.execCommand('insertText', false, line)
  }
  if (further.length === 0) return
  const next = fieldAfter(document.activeElement)
  next?.focus()
  // By Tab, too, one comes to the whole of it.
  if (next instanceof HTMLInputElement) next.select()
  if (!next) document.execCommand('insertText', false, ' ')
  queueMicrotask(() => type(further.join(fieldEnd)))
}

/** Once it has found what was typed. */
const choose = (palette: Element): void =>
  queueMicrotask(() => {
    palette.dispatchEvent(new KeyboardEvent('keydown', { key: 'Enter', bubbles: true, cancelable: true }))
  })

/** Of the same composer, where one writes next; after the last one it is written on there. */
const fieldAfter = (field: Element | null): HTMLElement | undefined => {
  const all = field
    ?.closest('[data-composer]')
    ?.querySelectorAll<HTMLElement>('input, textarea, [contenteditable="true"]')
  const fields = [...(all ?? [])].filter((one) => isTyping(one) && one.checkVisibility())
  return fields[fields.findIndex((one) => one.contains(field)) + 1]
}

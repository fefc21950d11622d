import type { MouseEvent } from 'react'
import { t } from '#lib/text.ts'
import { explain, readRefusal } from './api.ts'
import { showToast } from './toasts.ts'

/** A download that has begun needs its frame no more; a mail server may take its time until then. */
const keepFrameMs = 10 * 60_000

/**
 * Hands an address of our own to the browser's downloads. What cannot be had is told on the page: a link with `download` would
 * save the refusal as a file. What is saved never loads in the frame, a refusal does.
 */
export const download = (address: string): void => {
  const frame = document.createElement('iframe')
  frame.hidden = true
  frame.src = address
  frame.addEventListener('load', () => {
    const reason = readRefusal(frame.contentDocument?.body.textContent ?? '')
    frame.remove()
    showToast({ kind: 'problem', text: [t('view.saveFailed'), explain(reason)].join(' ') })
  })
  document.body.append(frame)
  setTimeout(() => frame.remove(), keepFrameMs)
}

/** For links that save a file; with a key held they are the browser's. */
export const onDownload = (event: MouseEvent<HTMLAnchorElement>): void => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return
  event.preventDefault()
  download(event.currentTarget.href)
}

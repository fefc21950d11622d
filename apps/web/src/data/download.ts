import type { MouseEvent } from 'react'
import { t } from '#lib/text.ts'
import { explain, request } from './api.ts'
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
    frame.remove()
    void tellRefusal(address)
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

/** Why, in the words of the API: of what a frame loads nothing is to be read. */
const tellRefusal = async (address: string): Promise<void> => {
  const reason = await request('GET', address).then((response) => response.body?.cancel(), explain)
  showToast({ kind: 'problem', text: [t('view.saveFailed'), reason].filter(Boolean).join(' ') })
}

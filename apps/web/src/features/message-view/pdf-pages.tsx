import type { PDFDocumentProxy } from 'pdfjs-dist'
import { useEffect, useRef, useState } from 'react'
import { t } from '#lib/page-text.ts'
import { openPdf } from './open-pdf.ts'

const maxPages = 300
/** Sharp on dense screens, without canvases that eat the memory. */
const maxScale = 2

/** The pages of a PDF, each drawn when it comes into view. */
export const PdfPages = ({ address }: { address: string }) => {
  const [pdf, setPdf] = useState<PDFDocumentProxy | null>(null)
  const [isBroken, setBroken] = useState(false)
  useEffect(() => {
    const stop = new AbortController()
    const opened = openPdf(address, stop.signal)
    opened.then(setPdf, () => {
      if (!stop.signal.aborted) setBroken(true)
    })
    return () => {
      stop.abort()
      // Whatever became of it, the worker's copy goes.
      opened.then(
        (document) => document.loadingTask.destroy(),
        () => undefined,
      )
    }
  }, [address])
  if (isBroken)
    return (
      <p className="empty" role="alert">
        {t('preview.pdfFailed')}
      </p>
    )
  if (!pdf) return <p className="empty">…</p>
  return (
    <>
      {Array.from({ length: Math.min(pdf.numPages, maxPages) }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: pages never change places
        <Page key={index} pdf={pdf} number={index + 1} />
      ))}
      {pdf.numPages > maxPages && <p className="empty">{t('preview.firstPages', { n: maxPages })}</p>}
    </>
  )
}

const Page = ({ pdf, number }: { pdf: PDFDocumentProxy; number: number }) => {
  const canvas = useRef<HTMLCanvasElement>(null)
  const [isNear, setNear] = useState(number === 1)
  const [text, setText] = useState('')
  useEffect(() => {
    const box = canvas.current
    if (!box) return
    const watch = new IntersectionObserver(
      (entries) => {
        if (entries.some(({ isIntersecting }) => isIntersecting)) setNear(true)
      },
      { rootMargin: '600px' },
    )
    watch.observe(box)
    return () => watch.disconnect()
  }, [])
  useEffect(() => {
    const box = canvas.current
    if (!isNear || !box) return
    let cancel: (() => void) | undefined
    let isOver = false
    const draw = async () => {
      const page = await pdf.getPage(number)
      if (isOver) return
      const width = Math.min(900, box.parentElement?.parentElement?.clientWidth ?? 900)
      const shown = page.getViewport({ scale: width / page.getViewport({ scale: 1 }).width })
      const density = Math.min(maxScale, devicePixelRatio)
      box.width = Math.floor(shown.width * density)
      box.height = Math.floor(shown.height * density)
      box.style.width = `${Math.floor(shown.width)}px`
      box.style.height = `${Math.floor(shown.height)}px`
      const task = page.render({
        canvas: box,
        viewport: shown,
        ...(density === 1 ? {} : { transform: [density, 0, 0, density, 0, 0] }),
      })
      cancel = () => task.cancel()
      await task.promise
      box.dataset.drawn = 'yes'
      const { items } = await page.getTextContent()
      if (!isOver) setText(items.flatMap((item) => ('str' in item ? [item.str] : [])).join(' '))
    }
    // A page that cannot be drawn stays white; the others are shown.
    draw().catch(() => undefined)
    return () => {
      isOver = true
      cancel?.()
    }
  }, [isNear, pdf, number])
  return (
    <figure className="pdf-page">
      <canvas ref={canvas} aria-hidden width={612} height={792} />
      <figcaption className="sr-only">
        {t('preview.page', { n: number, of: pdf.numPages })} {text}
      </figcaption>
    </figure>
  )
}

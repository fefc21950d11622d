import type { PDFDocumentProxy } from 'pdfjs-dist'
import { request } from '#data/api.ts'

const maxPdfBytes = 100_000_000
const maxImagePixels = 40_000_000

/**
 * Opens a PDF with pdf.js, which comes only now. Its worker, fonts and character maps lie beside the app's own files: no
 * script of a PDF runs (its sandbox is not shipped), no form is built, and this version never evaluates text as code.
 * Throws for what is too large or cannot be read.
 */
export const openPdf = async (address: string, signal: AbortSignal): Promise<PDFDocumentProxy> => {
  const [{ getDocument, GlobalWorkerOptions, version }, response] = await Promise.all([
    import('pdfjs-dist/legacy/build/pdf.mjs'),
    request('GET', address, { signal }),
  ])
  if (Number(response.headers.get('content-length') ?? 0) > maxPdfBytes) throw new Error('this PDF is too large')
  const data = new Uint8Array(await response.arrayBuffer())
  if (data.length > maxPdfBytes) throw new Error('this PDF is too large')
  const files = `/_next/static/pdfjs-${version}`
  GlobalWorkerOptions.workerSrc = `${files}/pdf.worker.min.mjs`
  return getDocument({
    data,
    standardFontDataUrl: `${files}/standard_fonts/`,
    cMapUrl: `${files}/cmaps/`,
    wasmUrl: `${files}/wasm/`,
    iccUrl: `${files}/iccs/`,
    enableXfa: false,
    maxImageSize: maxImagePixels,
    verbosity: 0,
  }).promise
}

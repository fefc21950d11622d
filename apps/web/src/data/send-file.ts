import { ApiError, errorOf } from './api.ts'

/** Sends a file as it is, and tells how many bytes have gone: `fetch` cannot. Throws ApiError, or what stopped it. */
export const sendFile = (
  address: string,
  { file, signal, onProgress }: { file: Blob; signal: AbortSignal; onProgress: (bytes: number) => void },
): Promise<unknown> =>
  new Promise((done, fail) => {
    if (signal.aborted) return fail(new DOMException('', 'AbortError'))
    const wire = new XMLHttpRequest()
    wire.open('POST', address)
    wire.setRequestHeader('x-postern', '1')
    wire.setRequestHeader('content-type', 'application/octet-stream')
    wire.upload.onprogress = ({ loaded }) => onProgress(loaded)
    wire.onload = () => {
      const answer = parse(wire.responseText)
      if (wire.status >= 200 && wire.status < 300) done(answer)
      else fail(errorOf(answer))
    }
    wire.onerror = () => fail(new ApiError('unreachable', {}))
    wire.onabort = () => fail(new DOMException('', 'AbortError'))
    signal.addEventListener('abort', () => wire.abort())
    wire.send(file)
  })

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null // told as an unknown error
  }
}

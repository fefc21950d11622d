import { createServer } from 'node:http'
import { crc32, deflateSync } from 'node:zlib'

/** The senders' own web server, with the pictures of their newsletters. */
export const startPictures = async (): Promise<{ port: number; close: () => void }> => {
  const server = createServer(({ url = '' }, response) => {
    const [, color] = /^\/header-([0-9a-f]{6})\.png$/.exec(url) ?? []
    const picture = color ? hills(600, 120, Buffer.from(color, 'hex')) : hills(1, 1, Buffer.alloc(3))
    response.writeHead(200, { 'content-type': 'image/png' }).end(picture)
  })
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done))
  const address = server.address()
  return { port: typeof address === 'object' && address ? address.port : 0, close: () => server.close() }
}

/** A landscape in shades of one colour, as PNG (RGB, 8 bit, one filter byte a line). */
const hills = (width: number, height: number, color: Uint8Array): Buffer => {
  const lines = Buffer.alloc(height * (1 + width * 3))
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const ridge = [0.75, 0.55, 0.35].findIndex(
        (base, n) => y > height * (1 - base + 0.12 * Math.sin(x / (40 + 25 * n) + n * 2)),
      )
      const light = ridge < 0 ? 0.82 : 0.6 - ridge * 0.3
      for (const [n, part] of color.entries())
        lines[y * (1 + width * 3) + 1 + x * 3 + n] = Math.round(part + (255 - part) * light)
    }
  const header = Buffer.alloc(13)
  header.writeUInt32BE(width, 0)
  header.writeUInt32BE(height, 4)
  header.set([8, 2, 0, 0, 0], 8)
  const signature = Buffer.from('89504e470d0a1a0a', 'hex')
  return Buffer.concat([signature, chunk('IHDR', header), chunk('IDAT', deflateSync(lines)), chunk('IEND')])
}

const chunk = (type: string, data: Buffer = Buffer.alloc(0)): Buffer => {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const frame = Buffer.alloc(8 + body.length)
  frame.writeUInt32BE(data.length, 0)
  body.copy(frame, 4)
  frame.writeUInt32BE(crc32(body), 4 + body.length)
  return frame
}

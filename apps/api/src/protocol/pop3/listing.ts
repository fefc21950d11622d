import { AppError } from '#platform/errors.ts'
import type { Channel } from './channel.ts'

/** Of half a million messages with usual unique-ids. */
const maxListingBytes = 64 * 1024 * 1024
const maxLineLength = 1024

const tooMuch = () => new AppError('connect.protocol', 'The server lists far more than any mail server should.')

/** Reads a multi-line answer line by line; bytes are kept as they are, one character each. */
export const readListing = async (channel: Channel, onLine: (line: string) => void): Promise<void> => {
  let rest = ''
  for await (const piece of channel.readBody(maxListingBytes, tooMuch)) {
    const lines = (rest + piece.toString('latin1')).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      if (line.length > maxLineLength) throw channel.fail(tooMuch())
      onLine(line.endsWith('\r') ? line.slice(0, -1) : line)
    }
    if (rest.length > maxLineLength) throw channel.fail(tooMuch())
  }
}

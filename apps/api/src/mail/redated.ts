import { dateHeader } from './compose-message.ts'

/** `zoneMinutes` null: by the clock it has. */
export type NewDate = { date: Date; zoneMinutes: number | null }

/** The octets of a mail that we composed, saying another time: its first field, or that of who redirects it. */
export async function* redated(
  octets: AsyncIterable<Uint8Array>,
  { date, zoneMinutes }: NewDate,
): AsyncGenerator<Buffer> {
  let isFirst = true
  for await (const piece of octets) {
    const chunk = Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength)
    if (!isFirst) {
      yield chunk
      continue
    }
    isFirst = false
    const head = chunk.subarray(0, 200).toString('latin1')
    const [line = '', name = '', sign = '+', hours = '00', minutes = '00'] =
      /^((?:Resent-)?Date: )[^\r\n]*([+-])(\d\d)(\d\d)\r\n/.exec(head) ?? []
    const own = (sign === '-' ? -1 : 1) * (Number(hours) * 60 + Number(minutes))
    const fresh = line === '' ? '' : `${name}${dateHeader(date, zoneMinutes ?? own)}\r\n`
    yield Buffer.concat([Buffer.from(fresh), chunk.subarray(line.length)])
  }
}

import { attachmentRoom } from '@postern/shared/attachment-room.ts'
import { AppError } from '#platform/errors.ts'

/** What may still be attached, by what the server takes and what is attached already. */
export const roomFor = (
  { maxMessageBytes }: { maxMessageBytes: bigint | null },
  attached: { sizeBytes: bigint }[],
): number => {
  const all = attachmentRoom(maxMessageBytes === null ? null : Number(maxMessageBytes))
  return Math.max(0, all - attached.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0))
}

/** Throws message.too_large when more comes. */
export async function* within(
  maxBytes: number,
  octets: AsyncIterable<Uint8Array>,
  maxMessageBytes: bigint | null = null,
): AsyncGenerator<Buffer> {
  let bytes = 0
  for await (const piece of octets) {
    bytes += piece.length
    if (bytes > maxBytes) throw tooLarge(maxBytes, maxMessageBytes)
    yield Buffer.from(piece.buffer, piece.byteOffset, piece.length)
  }
}

export const tooLarge = (roomBytes: number, maxMessageBytes: bigint | null): AppError =>
  new AppError(
    'message.too_large',
    maxMessageBytes === null
      ? `This mail would be too large: ${megabytes(roomBytes)} more can be attached.`
      : `The mail server takes ${megabytes(Number(maxMessageBytes))} in one mail: ${megabytes(roomBytes)} more can be attached.`,
    { hint: 'Files grow by a third on their way. Send several mails, or a link.' },
  )

const megabytes = (bytes: number): string => `${Math.floor((bytes / (1024 * 1024)) * 10) / 10} MB`

import { AppError } from '#platform/errors.ts'

/** No mail server takes more. */
export const maxAttachmentBytes = 256 * 1024 * 1024
export const maxAttachments = 500
/** For the header, and what is written. */
const reservedBytes = 64 * 1024

/** So many octets fit into a mail of a size: four for three of them, and line ends (RFC 2045 6.8). */
const fitting = (mailBytes: number): number =>
  Math.max(0, Math.floor(((mailBytes - reservedBytes) * 3 * 76) / (4 * 78)))

/** What may still be attached, by what the server takes and what is attached already. */
export const roomFor = (
  { maxMessageBytes }: { maxMessageBytes: bigint | null },
  attached: { sizeBytes: bigint }[],
): number => {
  const all =
    maxMessageBytes === null ? maxAttachmentBytes : Math.min(maxAttachmentBytes, fitting(Number(maxMessageBytes)))
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

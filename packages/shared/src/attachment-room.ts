/** In one mail, with the pictures in its text. */
export const maxAttachments = 500
/** No mail server takes more. */
export const maxAttachmentBytes = 256 * 1024 * 1024
/** For the header, and what is written. */
const reservedBytes = 64 * 1024

/**
 * What files may come to in a mail, bytes, by what the server takes in one; null: it did not say. In a mail there are four octets
 * for three of them, and line ends. RFC 2045 6.8.
 */
export const attachmentRoom = (maxMessageBytes: number | null): number =>
  maxMessageBytes === null
    ? maxAttachmentBytes
    : Math.min(maxAttachmentBytes, Math.max(0, Math.floor(((maxMessageBytes - reservedBytes) * 3 * 76) / (4 * 78))))

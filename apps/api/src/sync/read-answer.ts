import { newSha256 } from '#platform/sha256.ts'

/** Enough for any header. */
const beginningBytes = 512 * 1024

/** What a maildrop's server gave of a mail: its beginning, and the hash of all that came. */
export type Answer = { beginning: Buffer; hash: Buffer }

/** Reads an answer to its end, in memory for its beginning. */
export const readAnswer = async (content: AsyncIterable<Buffer>): Promise<Answer> => {
  const hash = newSha256()
  const pieces: Buffer[] = []
  let bytes = 0
  for await (const piece of content) {
    hash.update(piece)
    if (bytes < beginningBytes) pieces.push(piece)
    bytes += piece.length
  }
  return { beginning: Buffer.concat(pieces), hash: Buffer.from(hash.digest()) }
}

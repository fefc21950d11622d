import { newSha256 } from '#platform/sha256.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openPart } from '../mail-content.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>
type Part = { id: bigint }

/** Of more than this nobody waits for a comparison. */
const maxBytes = 10_000_000

/**
 * Whether each of these parts has the octets of one of those: another program may have put something else under the name of a picture.
 * False too where that cannot be seen.
 */
export const areAmong = async (deps: Deps, parts: Part[], those: Part[]): Promise<boolean> => {
  if (parts.length === 0) return true
  try {
    const known = new Set(await digests(deps, those))
    return (await digests(deps, parts)).every((digest) => known.has(digest))
  } catch (error) {
    deps.logger.info({ err: error }, 'pictures of a draft were not compared')
    return false
  }
}

const digests = async ({ store, engine }: Deps, parts: Part[]): Promise<string[]> => {
  const ids = parts.map(({ id }) => id)
  const rows = await store.readSystem((tx) => tx.part.findMany({ where: { id: { in: ids } } }))
  if (rows.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0) > maxBytes) throw new Error('too large')
  const found: string[] = []
  for (const row of rows) {
    const { chunks } = await openPart(store, engine, { id: row.messageId, account_id: row.accountId }, row)
    const hash = newSha256()
    for await (const chunk of chunks) hash.update(chunk)
    found.push(hash.digest('hex'))
  }
  return found
}

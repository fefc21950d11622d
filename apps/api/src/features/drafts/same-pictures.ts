import { newSha256 } from '#platform/sha256.ts'
import type { FeatureDeps } from '../feature-deps.ts'
import { openPart } from '../mail-content.ts'

type Deps = Pick<FeatureDeps, 'store' | 'engine' | 'logger'>
type Part = { id: bigint }

/** Of more than this nobody waits for a comparison. */
const maxBytes = 20_000_000

type Pictures = {
  /** Of the draft, those that its quote shows; and those that the quoted mail shows. */
  dropped: Part[]
  known: Part[]
  /** Where the quote shows one: what it is in the draft, and what it is in the mail. */
  places: (readonly [Part | undefined, Part | undefined])[]
}

/**
 * Whether the pictures of a quote are those of the mail, octet by octet, each in its place: another program may have put something else
 * under the name of one, or made two change places. False too where that cannot be seen. One that the draft lacks is no change.
 */
export const arePicturesKept = async (deps: Deps, { dropped, known, places }: Pictures): Promise<boolean> => {
  // Also what is none of the quote's alone: another program may have put a picture of the text there.
  const shown = places.flatMap(([there]) => there ?? [])
  if (dropped.length + shown.length === 0) return true
  try {
    const digestOf = await digests(deps, [...dropped, ...shown, ...known])
    const all = new Set(known.map(({ id }) => digestOf.get(id)))
    const isKept = ([there, here]: Pictures['places'][number]) =>
      there === undefined || (here !== undefined && digestOf.get(there.id) === digestOf.get(here.id))
    return dropped.every(({ id }) => all.has(digestOf.get(id))) && places.every(isKept)
  } catch (error) {
    deps.logger.info({ err: error }, 'pictures of a draft were not compared')
    return false
  }
}

const digests = async ({ store, engine }: Deps, parts: Part[]): Promise<Map<bigint, string>> => {
  const ids = parts.map(({ id }) => id)
  const rows = await store.readSystem((tx) => tx.part.findMany({ where: { id: { in: ids } } }))
  if (rows.reduce((sum, { sizeBytes }) => sum + Number(sizeBytes), 0) > maxBytes) throw new Error('too large')
  const found = new Map<bigint, string>()
  for (const row of rows) {
    const { chunks } = await openPart(store, engine, { id: row.messageId, account_id: row.accountId }, row)
    const hash = newSha256()
    for await (const chunk of chunks) hash.update(chunk)
    found.set(row.id, hash.digest('hex'))
  }
  return found
}

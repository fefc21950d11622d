import { isFoundBy, readCorrespondent, wordsOf } from '#mail/correspondent.ts'
import { tokensOf } from '#mail/tokenize.ts'
import type { RawTx } from './bare-tx.ts'
import { Prisma } from './generated/client.ts'
import type { Store } from './open-store.ts'
import type { Statement } from './reader.ts'

/**
 * Whom a person writes with (ranked here, learned of here and in learn-correspondents.ts). A mail speaks for somebody by
 * weight * e^(-age): the rank is the logarithm of that sum with time counted from 1970 on instead of back from now, which
 * orders them the same at any time. So a mail is added to it once, and nothing ages by being written anew.
 */
type Sign = {
  userId: bigint
  name: string
  address: string
  at: Date
  /** They were written to; else what they wrote was read. */
  isWritten: boolean
}

const readWeight = 1
const writtenWeight = 10
/** After which a mail counts for 1/e: four months. */
const agingMs = 120 * 86_400_000
/** Of clocks that are wrong. */
const earliest = Date.UTC(1990, 0, 1)

type Row = { name: string; rank: number; lastAt: number; writtenAt: number | null }

const addLogarithms = (a: number, b: number): number => Math.max(a, b) + Math.log1p(Math.exp(-Math.abs(a - b)))

/** One statement, however many they are. In the order of the key, so that two at once never wait for each other in a circle. */
export const learn = async (tx: RawTx, signs: Sign[]): Promise<void> => {
  const rows = new Map<string, Row & { userId: bigint; address: string }>()
  const now = Date.now()
  for (const { userId, isWritten, at: seenAt, ...written } of signs) {
    const one = readCorrespondent(written)
    if (one === null) continue
    const at = Math.min(now, Math.max(earliest, seenAt.getTime()))
    const weight = Math.log(isWritten ? writtenWeight : readWeight) + at / agingMs
    const key = `${userId} ${one.address}`
    const known = rows.get(key)
    const isNewer = known === undefined || at >= known.lastAt
    rows.set(key, {
      userId,
      address: one.address,
      name: (isNewer ? one.name || known?.name : known.name || one.name) ?? '',
      rank: known ? addLogarithms(known.rank, weight) : weight,
      lastAt: Math.max(at, known?.lastAt ?? at),
      writtenAt: isWritten ? Math.max(at, known?.writtenAt ?? at) : (known?.writtenAt ?? null),
    })
  }
  if (rows.size === 0) return
  const values = [...rows.values()].map(({ userId, address, name, rank, lastAt, writtenAt }) => ({
    user_id: userId.toString(),
    address,
    name,
    rank,
    last_at: new Date(lastAt),
    written_at: writtenAt === null ? null : new Date(writtenAt),
    words: wordsOf({ name, address })
      .map((word) => lexeme(userId, word))
      .join(' '),
  }))
  await tx.$executeRaw`
    INSERT INTO correspondent AS c (user_id, address, name, rank, last_at, written_at, words)
    SELECT user_id, address, name, rank, last_at, written_at, words FROM jsonb_to_recordset(${JSON.stringify(values)}::jsonb)
      AS t (user_id bigint, address text, name text, rank float8, last_at timestamptz, written_at timestamptz, words tsvector) ORDER BY 1, 2
    ON CONFLICT (user_id, address) DO UPDATE SET
      (name, words) = (SELECT n.name, n.words FROM (VALUES (c.name, c.words, CASE WHEN c.forgotten_at IS NULL THEN c.last_at END),
        (excluded.name, excluded.words, excluded.last_at)) AS n (name, words, at)
        ORDER BY n.name = '', n.at DESC NULLS LAST LIMIT 1),
      rank = CASE WHEN c.forgotten_at IS NULL THEN greatest(c.rank, excluded.rank) + ln(1 + exp(-abs(c.rank - excluded.rank))) ELSE excluded.rank END,
      last_at = greatest(c.last_at, excluded.last_at), written_at = greatest(c.written_at, excluded.written_at), forgotten_at = NULL
    WHERE c.forgotten_at IS NULL OR excluded.written_at > c.forgotten_at`
}

/** Of a mail that goes out from here. */
export const learnWritten = (tx: RawTx, userId: bigint, recipients: { name: string; address: string }[]) => {
  const at = new Date()
  return learn(
    tx,
    recipients.map(({ name, address }) => ({ userId, name, address, at, isWritten: true })),
  )
}

/** A word is letters and digits only, so nothing in it needs escaping. */
const lexeme = (userId: bigint, word: string): string => `'${userId}:${word}'`

/** So many of the best are looked through by rank; only who is not among them is looked for by words. */
const bestFirst = 2000
const maxWanted = 16
/** Own addresses among those that are found come last, or not at all. */
const spare = 20

export type Suggestion = { name: string; address: string; isOwn: boolean }

/** Best first; own addresses last, written to or not. None for what holds no word. */
export const findCorrespondents = async (
  store: Store,
  { userId, text, limit }: { userId: bigint; text: string; limit: number },
): Promise<Suggestion[]> => {
  const wanted = tokensOf(text).slice(0, maxWanted)
  if (wanted.length === 0 && text !== '') return []
  const query = wanted.length === 0 ? null : wanted.map((word) => `${lexeme(userId, word)}:*`).join(' & ')
  const [best, identities] = await store.readAs(userId, [amongBest(userId, query, limit + spare), ownAddresses(userId)])
  const own = new Map(
    identities.flatMap((one) => {
      const kept = readCorrespondent(one)
      return kept ? [[kept.address, kept] as const] : []
    }),
  )
  const isOther = ({ address }: { address: string }) => !own.has(address)
  let others = best.filter(isOther)
  if (others.length < limit && query !== null) {
    const [all] = await store.readAs(userId, [byWords(userId, query, limit + own.size)])
    others = all.filter(isOther)
  }
  const self = [...own.values()].filter((one) => isFoundBy(one, wanted))
  return [...others.map((one) => ({ ...one, isOwn: false })), ...self.map((one) => ({ ...one, isOwn: true }))].slice(
    0,
    limit,
  )
}

type Found = { name: string; address: string }

const amongBest = (userId: bigint, query: string | null, limit: number): Statement<Found> => ({
  name: 'correspondents.best',
  sql: Prisma.sql`
    SELECT name, address FROM (SELECT name, address, words, rank FROM correspondent
      WHERE user_id = ${userId} AND forgotten_at IS NULL ORDER BY rank DESC LIMIT ${bestFirst}::int) best
    WHERE ${query}::tsquery IS NULL OR words @@ ${query}::tsquery ORDER BY rank DESC LIMIT ${limit}::int`,
})

/** By itself, so that the limit does not tempt the planner into walking everybody by rank. */
const byWords = (userId: bigint, query: string, limit: number): Statement<Found> => ({
  name: 'correspondents.words',
  sql: Prisma.sql`
    WITH found AS MATERIALIZED (SELECT name, address, rank FROM correspondent
      WHERE words @@ ${query}::tsquery AND user_id = ${userId} AND forgotten_at IS NULL)
    SELECT name, address FROM found ORDER BY rank DESC LIMIT ${limit}::int`,
})

const ownAddresses = (userId: bigint): Statement<Found> => ({
  name: 'correspondents.own',
  sql: Prisma.sql`
    SELECT i.name, i.address FROM identity i JOIN account a ON a.id = i.account_id
    WHERE a.user_id = ${userId} AND a.disconnected_at IS NULL ORDER BY i.is_default DESC, i.id`,
})

/** Its row stays, empty, so that mail that was read does not bring it back. */
export const forgetCorrespondent = async (tx: RawTx, userId: bigint, address: string): Promise<void> => {
  const key = readCorrespondent({ name: '', address })?.address ?? address.toLowerCase()
  await tx.$executeRaw`
    UPDATE correspondent SET forgotten_at = now(), name = '', words = '' WHERE user_id = ${userId} AND address = ${key}`
}

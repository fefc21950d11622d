import { AppError } from '#platform/errors.ts'

/**
 * What a mailbox lets us do: from READ-ONLY, from what it keeps (PERMANENTFLAGS, RFC 9051 7.1) and, where the server has
 * ACL, from the rights letters (RFC 4314 2.1).
 */
export type RightsFacts = {
  isReadOnly: boolean
  isSelectable: boolean
  rights: string | null
  /** Empty and `canCreateKeywords`: the server did not say, so all are kept. */
  permanentFlags: string[]
  canCreateKeywords: boolean
}

export const rightsOf = ({ isReadOnly, isSelectable, rights, permanentFlags, canCreateKeywords }: RightsFacts) => {
  const keeps = (flag: string) =>
    (permanentFlags.length === 0 && canCreateKeywords) || permanentFlags.some((kept) => kept.toLowerCase() === flag)
  const has = (letters: string) => rights === null || [...letters].some((letter) => rights.includes(letter))
  const writable = isSelectable && !isReadOnly
  // RFC 2086 had one letter for what became two.
  const isOld = rights !== null && !/[kxte]/.test(rights)
  const mayDelete = has('te') ? has('t') && has('e') : has('d')
  return {
    setSeen: writable && has('s') && keeps('\\seen'),
    setFlags: writable && has('w') && keeps('\\flagged'),
    keywords: writable && has('w') && canCreateKeywords,
    insert: isSelectable && has('i'),
    remove: writable && mayDelete,
    create: has(isOld ? 'c' : 'k'),
    rename: has(isOld ? 'c' : 'x'),
  }
}

export type Right = keyof ReturnType<typeof rightsOf>

export const requireRight = (facts: RightsFacts, right: Right): void => {
  if (rightsOf(facts)[right]) return
  // What may be done to a mailbox does not depend on how it was opened.
  if (facts.isReadOnly && right !== 'create' && right !== 'rename')
    throw new AppError('mailbox.read_only', 'This mailbox is read-only on the server.')
  throw new AppError('mailbox.no_permission', 'The server does not give you the right to do this here.')
}

import { AppError } from '#platform/errors.ts'

/** What a mailbox lets us do, from READ-ONLY and, where the server has ACL, the rights letters (RFC 4314 2.1). */
export type RightsFacts = {
  isReadOnly: boolean
  isSelectable: boolean
  rights: string | null
  canCreateKeywords: boolean
}

export const rightsOf = ({ isReadOnly, isSelectable, rights, canCreateKeywords }: RightsFacts) => {
  const has = (letters: string) => rights === null || [...letters].some((letter) => rights.includes(letter))
  const writable = isSelectable && !isReadOnly
  return {
    setSeen: writable && has('s'),
    setFlags: writable && has('w'),
    keywords: writable && has('w') && canCreateKeywords,
    insert: isSelectable && has('ik'),
    remove: writable && has('td') && has('e'),
    rename: has('x'),
  }
}

const refuse = (facts: RightsFacts): never => {
  if (facts.isReadOnly) throw new AppError('mailbox.read_only', 'This mailbox is read-only on the server.')
  throw new AppError('mailbox.no_permission', 'The server does not give you the right to do this here.')
}

export const requireRight = (facts: RightsFacts, right: keyof ReturnType<typeof rightsOf>): void => {
  if (!rightsOf(facts)[right]) refuse(facts)
}

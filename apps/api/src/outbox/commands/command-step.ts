import type { Flags } from '#mail/flags.ts'
import { formatUidSet } from '#mail/uid-set.ts'
import { AppError } from '#platform/errors.ts'
import { fetchFlags } from '#protocol/imap/fetch-flags.ts'
import type { ImapSession } from '#protocol/imap/open-session.ts'
import type { SelectedMailbox } from '#protocol/imap/select-mailbox.ts'
import type { Truth, WorkItem } from '#store/command-work.ts'
import type { Effect } from '#store/commands.ts'
import type { Unit } from '#store/commit.ts'
import type { Mailbox } from '#store/generated/client.ts'
import type { Store } from '#store/open-store.ts'

/** What giving a command may look at: the person's own mailbox it names, inside the transaction that writes it. */
export type Given<Body> = { unit: Unit; userId: bigint; mailbox: Mailbox; body: Body }

/**
 * A chunk to be carried out: alike items of one mailbox, which is selected, with uids that are right in it. `isRepeat`:
 * an earlier run ended in the middle of it, so parts may have happened already. `isLate`: it was given long ago.
 */
export type Step = {
  store: Store
  session: ImapSession
  accountId: bigint
  selected: SelectedMailbox
  items: WorkItem[]
  like: WorkItem
  isRepeat: boolean
  isLate: boolean
}

/** `later`: the stored tree is behind the server's, so a sync must come first. Everything else is what became of the items. */
export type Outcome =
  | { kind: 'later'; reason: string }
  | {
      kind: 'settled'
      /** Still where they were, as the server has them now. */
      truth: Truth[]
      moved: { placementId: bigint; uid: number }[]
      gone: WorkItem[]
      /** Of these, the ones that had left before anything was done to them. */
      missed: WorkItem[]
      /** The server agreed and yet did nothing. */
      stuck: WorkItem[]
      toUidValidity: bigint | null
    }
export type Settled = Extract<Outcome, { kind: 'settled' }>

/** One kind of command: `apply` while it is given, `execute` by the worker, again after a crash without harm. */
export type CommandModule<Body> = {
  apply: (given: Given<Body>) => Promise<Effect>
  execute: (step: Step) => Promise<Outcome>
}

export const settled = (parts: Partial<Settled>): Settled => ({
  kind: 'settled',
  truth: [],
  moved: [],
  gone: [],
  missed: [],
  stuck: [],
  toUidValidity: null,
  ...parts,
})

export const uidSetOf = (items: WorkItem[]): string => formatUidSet(items.map(({ uid }) => uid))

/** What the server has now; items it no longer has are `gone`. The items' mailbox must be selected. */
export const readBack = async (
  session: ImapSession,
  items: WorkItem[],
): Promise<{ truth: Truth[]; here: WorkItem[]; gone: WorkItem[] }> => {
  if (items.length === 0) return { truth: [], here: [], gone: [] }
  const facts = new Map((await fetchFlags(session, uidSetOf(items))).map((fact) => [fact.uid, fact]))
  const truth: Truth[] = []
  const here: WorkItem[] = []
  const gone: WorkItem[] = []
  for (const item of items) {
    const fact: { flags: Flags; modseq: bigint } | undefined = facts.get(item.uid)
    if (!fact) gone.push(item)
    else {
      here.push(item)
      truth.push({ placementId: item.placementId, flags: fact.flags, modseq: fact.modseq })
    }
  }
  return { truth, here, gone }
}

/**
 * Items whose flags nobody changed since they were last seen here. A moved or removed message has no uid any more, so only
 * flags need this: without CONDSTORE a change that was taken back looks like none.
 */
export const untouchedSince = async (session: ImapSession, items: WorkItem[]): Promise<WorkItem[]> => {
  const facts = new Map((await fetchFlags(session, uidSetOf(items))).map((fact) => [fact.uid, fact]))
  return items.filter(({ uid, modseq, flags }) => {
    const fact = facts.get(uid)
    if (!fact) return false
    if (fact.modseq > 0n && modseq > 0n) return fact.modseq <= modseq
    return fact.flags.bits === flags.bits && fact.flags.keywords.join(' ') === flags.keywords.join(' ')
  })
}

/** Flags the mailbox keeps; the library would leave out the others without a word. RFC 9051 7.1 PERMANENTFLAGS. */
export const isStorable = ({ permanentFlags, canCreateKeywords }: SelectedMailbox, flag: string): boolean =>
  permanentFlags.some((kept) => kept.toLowerCase() === flag.toLowerCase()) ||
  (canCreateKeywords && (permanentFlags.length === 0 || !flag.startsWith('\\')))

/** Throws mailbox.read_only, mailbox.no_permission. */
export const requireStorable = (selected: SelectedMailbox, flags: string[]): void => {
  if (selected.isReadOnly) throw new AppError('mailbox.read_only', 'The mailbox is read-only on the server.')
  if (!flags.every((flag) => isStorable(selected, flag)))
    throw new AppError('mailbox.no_permission', 'The server does not keep this mark in this mailbox.')
}

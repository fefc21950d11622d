import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { t } from '#lib/text.ts'
import type { MenuItem } from '#ui/menu.tsx'

/** What a person wants of their own mailboxes; a dialog asks for the rest. */
export type TreeWish =
  | { kind: 'create'; parent: Mailbox | null }
  | { kind: 'rename' | 'move' | 'remove'; mailbox: Mailbox }

/** One without a role: those keep their name and place. */
export const isOwn = (mailbox: Mailbox): boolean => mailbox.role === null

/** The same as on the page of the account; asked for when somebody wants it. */
const ask = async (kind: 'import' | 'upload', mailbox: Mailbox): Promise<void> => {
  const { askTransfer } = await import('#data/transfers.ts')
  askTransfer({ kind, mailbox })
}

/** What can be done with a mailbox as such; nothing that could not be carried out. */
export const actionsOf = (
  mailbox: Mailbox,
  {
    onWish,
    canCopy,
  }: {
    /** Null where the tree is the server's. */
    onWish: ((wish: TreeWish) => void) | null
    /** What it holds is kept here, and there is an account to copy it to. */
    canCopy: boolean
  },
): MenuItem[] => [
  ...(onWish && isOwn(mailbox)
    ? [
        { label: t('tree.new'), onSelect: () => onWish({ kind: 'create', parent: mailbox }) },
        { label: t('tree.rename'), onSelect: () => onWish({ kind: 'rename', mailbox }) },
        { label: t('tree.move'), onSelect: () => onWish({ kind: 'move', mailbox }) },
        { label: t('tree.remove'), onSelect: () => onWish({ kind: 'remove', mailbox }) },
      ]
    : []),
  ...(mailbox.rights.insert && mailbox.isSynced
    ? [{ label: t('tree.import'), onSelect: () => void ask('import', mailbox) }]
    : []),
  ...(canCopy ? [{ label: t('tree.copy'), onSelect: () => void ask('upload', mailbox) }] : []),
]

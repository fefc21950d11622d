import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { refusalOf } from '#data/commands.ts'
import { loadPart } from '#data/load-part.ts'
import type { TreeWish } from '#data/tree-wish.ts'
import { nameOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/text.ts'
import type { MenuItem } from '#ui/menu.tsx'

/** One without a role: those keep their name and place. */
const isOwn = (mailbox: Mailbox): boolean => mailbox.role === null
/** Others may lie below it: not where mail goes by itself. */
export const takesBelow = ({ role }: Mailbox): boolean =>
  role === null || role === 'inbox' || role === 'archive' || role === 'sent'

/** The same as on the page of the account; asked for when somebody wants it. */
const ask = async (kind: 'import' | 'upload', mailbox: Mailbox): Promise<void> => {
  const { askTransfer } = await loadPart(import('#data/transfers.ts'))
  askTransfer({ kind, mailbox })
}

type Place = {
  onWish: (wish: TreeWish) => void
  /** It was put into Trash at its server, and goes from there for good. */
  isTrashed: boolean
  /** What it holds is kept here, and there is an account to copy it to. */
  canCopy: boolean
}

/** What can be done with a mailbox as such. What its server's rights do not allow is there, and disabled. */
export const actionsOf = (mailbox: Mailbox, { onWish, isTrashed, canCopy }: Place): MenuItem[] => {
  const { create, rename, insert } = mailbox.rights
  const below = {
    label: t('tree.new'),
    isDisabled: !create,
    onSelect: () => onWish({ kind: 'create', parent: mailbox }),
  }
  const tree = [
    { label: t('tree.rename'), isDisabled: !rename, onSelect: () => onWish({ kind: 'rename', mailbox }) },
    { label: t('tree.move'), isDisabled: !rename, onSelect: () => onWish({ kind: 'move', mailbox }) },
    {
      label: t(isTrashed ? 'tree.erase' : 'tree.remove'),
      isDisabled: !rename,
      onSelect: () => onWish({ kind: isTrashed ? 'erase' : 'remove', mailbox }),
    },
  ]
  return [
    ...(takesBelow(mailbox) ? [below] : []),
    ...(isOwn(mailbox) ? tree : []),
    ...(insert && mailbox.isSynced ? [{ label: t('tree.import'), onSelect: () => void ask('import', mailbox) }] : []),
    ...(mailbox.role === 'trash' || mailbox.role === 'junk'
      ? [
          {
            label: t('list.emptyNow', { name: nameOf(mailbox) }),
            isDisabled: mailbox.messages === 0 || refusalOf(mailbox, 'expunge') !== null,
            onSelect: () => onWish({ kind: 'empty', mailbox }),
          },
        ]
      : []),
    ...(canCopy ? [{ label: t('tree.copy'), onSelect: () => void ask('upload', mailbox) }] : []),
  ]
}

import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { Ellipsis } from 'lucide-react'
import { t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'

/** What a person wants of their own mailboxes; a dialog asks for the rest. */
export type TreeWish =
  | { kind: 'create'; parent: Mailbox | null }
  | { kind: 'rename' | 'move' | 'remove' | 'erase'; mailbox: Mailbox }

/** One without a role: those keep their name and place. */
export const isOwn = (mailbox: Mailbox): boolean => mailbox.role === null

/** `isTrashed`: it was put into Trash, and goes from there for good. */
export const MailboxMenu = ({
  mailbox,
  isTrashed,
  onWish,
}: {
  mailbox: Mailbox
  isTrashed: boolean
  onWish: (wish: TreeWish) => void
}) => {
  const { create, rename } = mailbox.rights
  return (
    <Menu
      label={t('tree.actions', { name: mailbox.name })}
      icon={<Ellipsis size={15} aria-hidden />}
      items={[
        { label: t('tree.new'), isDisabled: !create, onSelect: () => onWish({ kind: 'create', parent: mailbox }) },
        { label: t('tree.rename'), isDisabled: !rename, onSelect: () => onWish({ kind: 'rename', mailbox }) },
        { label: t('tree.move'), isDisabled: !rename, onSelect: () => onWish({ kind: 'move', mailbox }) },
        {
          label: t(isTrashed ? 'tree.erase' : 'tree.remove'),
          isDisabled: !rename,
          onSelect: () => onWish({ kind: isTrashed ? 'erase' : 'remove', mailbox }),
        },
      ]}
    />
  )
}

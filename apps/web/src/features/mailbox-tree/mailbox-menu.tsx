import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { Ellipsis } from 'lucide-react'
import { t } from '#lib/text.ts'
import { Menu } from '#ui/menu.tsx'

/** What a person wants of their own mailboxes; a dialog asks for the rest. */
export type TreeWish =
  | { kind: 'create'; parent: Mailbox | null }
  | { kind: 'rename' | 'move' | 'remove'; mailbox: Mailbox }

/** One without a role: those keep their name and place. */
export const isOwn = (mailbox: Mailbox): boolean => mailbox.role === null

export const MailboxMenu = ({ mailbox, onWish }: { mailbox: Mailbox; onWish: (wish: TreeWish) => void }) => (
  <Menu
    label={t('tree.actions', { name: mailbox.name })}
    icon={<Ellipsis size={15} aria-hidden />}
    items={[
      { label: t('tree.new'), onSelect: () => onWish({ kind: 'create', parent: mailbox }) },
      { label: t('tree.rename'), onSelect: () => onWish({ kind: 'rename', mailbox }) },
      { label: t('tree.move'), onSelect: () => onWish({ kind: 'move', mailbox }) },
      { label: t('tree.remove'), onSelect: () => onWish({ kind: 'remove', mailbox }) },
    ]}
  />
)

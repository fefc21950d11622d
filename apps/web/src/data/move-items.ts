import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { useMemo } from 'react'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/text.ts'
import type { MenuItem } from '#ui/menu.tsx'
import { useApp } from './app-state.ts'
import { askTree } from './tree-wish.ts'

const { compare } = new Intl.Collator(undefined, { numeric: true })
/** The special ones, then the rest by name: each before what lies below it, in whatever order a server has them. */
const inOrder = (mailboxes: Mailbox[]): Mailbox[] =>
  mailboxes.toSorted((a, b) => Number(!a.role) - Number(!b.role) || (a.role ? 0 : compare(pathOf(a), pathOf(b))))

/** Where mail of a mailbox can be moved: to the others of its account, and last to one that is made for it. */
export const useMoveItems = (mailbox: Mailbox | undefined, onMove: (to: Mailbox) => void): MenuItem[] => {
  const others = useApp((state) =>
    Object.values(state.mailboxes).filter(
      (other) => other.accountId === mailbox?.accountId && other.id !== mailbox.id && other.isSelectable,
    ),
  )
  const places = useMemo(() => inOrder(others), [others])
  if (!mailbox) return []
  return [
    ...places.map((other) => ({
      label: pathOf(other),
      onSelect: () => onMove(other),
      isDisabled: !other.rights.insert,
    })),
    {
      label: t('tree.new'),
      onSelect: () => askTree(mailbox.accountId, { kind: 'create', parent: null, onMade: onMove }),
      isAlways: true,
    },
  ]
}

import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { t } from './text.ts'

/** The inbox and spam have one name everywhere, whatever a server writes (`INBOX`, `Junk`); one of a person's own stays. */
export const nameOf = ({ role, name }: Pick<Mailbox, 'role' | 'name'>): string => ownNameOf(role, name) ?? name
export const pathOf = ({ role, path }: Pick<Mailbox, 'role' | 'path'>): string => ownNameOf(role, path) ?? path

const usualSpam = /^(inbox[./])?(junk([ -]?e-?mail)?|spam)$/i
const ownNameOf = (role: Mailbox['role'], written: string): string | null => {
  if (role === 'inbox') return t('bar.inbox')
  return role === 'junk' && usualSpam.test(written) ? t('role.junk') : null
}

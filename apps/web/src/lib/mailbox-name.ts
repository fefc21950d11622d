import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { t } from './text.ts'

/** The inbox has one name everywhere, whatever a server writes (`INBOX`). */
export const nameOf = ({ role, name }: Pick<Mailbox, 'role' | 'name'>): string =>
  role === 'inbox' ? t('bar.inbox') : name
export const pathOf = ({ role, path }: Pick<Mailbox, 'role' | 'path'>): string =>
  role === 'inbox' ? t('bar.inbox') : path

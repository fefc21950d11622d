import type { Account } from '@postern/shared/accounts.ts'
import { mailboxRoles } from '@postern/shared/mailbox-roles.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { patchMailbox } from '#data/patch-mailbox.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { Field } from '#ui/field.tsx'

const roleNames: Record<string, string> = {
  inbox: t('role.inbox'),
  drafts: t('role.drafts'),
  sent: t('role.sent'),
  archive: t('role.archive'),
  junk: t('role.junk'),
  trash: t('role.trash'),
  all: t('role.all'),
  flagged: t('role.flagged'),
}
const rowsAtOnce = 50
type Patch = { role?: Mailbox['role']; isSynced?: boolean; isWatched?: boolean }

/** Which mailbox plays which role, which are kept in step at all, and which are watched the whole time. */
export const MailboxTable = ({ account }: { account: Account }) => {
  const mailboxes = useApp((state) =>
    Object.values(state.mailboxes).filter((mailbox) => mailbox.accountId === account.id && mailbox.isSelectable),
  )
  const [text, setText] = useState('')
  const found = mailboxes
    .filter(({ path }) => path.toLowerCase().includes(text.toLowerCase()))
    .sort((a, b) => rank(a) - rank(b) || a.path.localeCompare(b.path))
  return (
    <section className="card" aria-label={t('mailboxes')}>
      <h2>{t('mailboxes')}</h2>
      <p className="muted">{t('table.text')}</p>
      {mailboxes.length > rowsAtOnce && (
        <Field
          label={t('table.find')}
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
          hint={t('table.found', { n: found.length.toLocaleString(), of: mailboxes.length.toLocaleString() })}
        />
      )}
      <table className="plain mailbox-table">
        <thead>
          <tr>
            <th>{t('table.mailbox')}</th>
            <th>{t('table.role')}</th>
            <th>{t('table.keep')}</th>
            <th>{t('table.watch')}</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, rowsAtOnce).map((mailbox) => (
            <Row
              key={mailbox.id}
              mailbox={mailbox}
              canWatch={account.capabilities.idle}
              onPatch={(body) => void patchMailbox(mailbox.id, body)}
            />
          ))}
        </tbody>
      </table>
      {found.length > rowsAtOnce && (
        <p className="muted">{t('table.more', { n: (found.length - rowsAtOnce).toLocaleString() })}</p>
      )}
    </section>
  )
}

const rank = ({ role }: Mailbox): number => (role === null ? mailboxRoles.length : mailboxRoles.indexOf(role))

const Row = ({
  mailbox,
  canWatch,
  onPatch,
}: {
  mailbox: Mailbox
  canWatch: boolean
  onPatch: (body: Patch) => void
}) => {
  const isInbox = mailbox.role === 'inbox'
  return (
    <tr>
      <td>
        <bdi>{pathOf(mailbox)}</bdi> <span className="muted">{mailbox.messages.toLocaleString()}</span>
        {!mailbox.rights.insert && !mailbox.rights.remove && <div className="muted">{t('table.readOnly')}</div>}
      </td>
      <td>
        <select
          className="input"
          aria-label={t('table.roleOf', { path: mailbox.path })}
          value={mailbox.role ?? ''}
          onChange={(event) => onPatch({ role: mailboxRoles.find((role) => role === event.target.value) ?? null })}
        >
          <option value="">–</option>
          {mailboxRoles.map((role) => (
            <option key={role} value={role}>
              {roleNames[role]}
            </option>
          ))}
        </select>
      </td>
      <td>
        <input
          type="checkbox"
          aria-label={t('table.keepOf', { path: mailbox.path })}
          checked={mailbox.isSynced}
          onChange={(event) => onPatch({ isSynced: event.target.checked })}
        />
      </td>
      <td>
        <input
          type="checkbox"
          aria-label={t('table.watchOf', { path: mailbox.path })}
          title={isInbox ? t('table.inboxWatched') : canWatch ? undefined : t('table.cannotWatch')}
          checked={isInbox || mailbox.isWatched}
          disabled={isInbox || !mailbox.isSynced || !canWatch}
          onChange={(event) => onPatch({ isWatched: event.target.checked })}
        />
      </td>
    </tr>
  )
}

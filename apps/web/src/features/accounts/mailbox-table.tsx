import type { Account } from '@postern/shared/accounts.ts'
import { mailboxRoles } from '@postern/shared/mailbox-roles.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { useState } from 'react'
import { call } from '#data/api.ts'
import { app, useApp } from '#data/app-state.ts'
import { Field } from '#ui/field.tsx'

const roleNames: Record<string, string> = {
  inbox: 'Inbox',
  drafts: 'Drafts',
  sent: 'Sent',
  archive: 'Archive',
  junk: 'Spam',
  trash: 'Trash',
  all: 'All mail',
  flagged: 'Starred',
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
    <section className="card" aria-label="Mailboxes">
      <h2>Mailboxes</h2>
      <p className="muted">
        A mailbox that is not kept stays at the server and is not shown here. All that are kept are looked at every
        minute; a watched one has a connection of its own, so that its new mail is here at once.
      </p>
      {mailboxes.length > rowsAtOnce && (
        <Field
          label="Find a mailbox"
          type="search"
          value={text}
          onChange={(event) => setText(event.target.value)}
          hint={`${found.length.toLocaleString()} of ${mailboxes.length.toLocaleString()}`}
        />
      )}
      <table className="plain mailbox-table">
        <thead>
          <tr>
            <th>Mailbox</th>
            <th>Used as</th>
            <th>Keep</th>
            <th>Watch</th>
          </tr>
        </thead>
        <tbody>
          {found.slice(0, rowsAtOnce).map((mailbox) => (
            <Row
              key={mailbox.id}
              mailbox={mailbox}
              canWatch={account.capabilities.idle}
              onPatch={(body) => void patchMailbox(mailbox, body)}
            />
          ))}
        </tbody>
      </table>
      {found.length > rowsAtOnce && (
        <p className="muted">
          {(found.length - rowsAtOnce).toLocaleString()} more; the field above finds them by their names.
        </p>
      )}
    </section>
  )
}

/** Shown at once, and put back when it could not be stored. Throws ApiError. */
const patchMailbox = async (mailbox: Mailbox, body: Patch): Promise<void> => {
  const show = (shown: Mailbox) => app.set(({ mailboxes }) => ({ mailboxes: { ...mailboxes, [shown.id]: shown } }))
  show({ ...mailbox, ...body })
  try {
    show(await call('patchMailbox', 'PATCH', `/v1/mailboxes/${mailbox.id}`, { body }))
  } catch (error) {
    show(mailbox)
    throw error
  }
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
        <bdi>{mailbox.path}</bdi> <span className="muted">{mailbox.messages.toLocaleString()}</span>
        {!mailbox.rights.insert && !mailbox.rights.remove && <div className="muted">Read-only at the server</div>}
      </td>
      <td>
        <select
          className="input"
          aria-label={`Role of ${mailbox.path}`}
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
          aria-label={`Keep ${mailbox.path} in step`}
          checked={mailbox.isSynced}
          onChange={(event) => onPatch({ isSynced: event.target.checked })}
        />
      </td>
      <td>
        <input
          type="checkbox"
          aria-label={`Watch ${mailbox.path}`}
          title={
            isInbox ? 'The inbox is always watched.' : canWatch ? undefined : 'This server cannot tell of changes.'
          }
          checked={isInbox || mailbox.isWatched}
          disabled={isInbox || !mailbox.isSynced || !canWatch}
          onChange={(event) => onPatch({ isWatched: event.target.checked })}
        />
      </td>
    </tr>
  )
}

import { mailboxRoles } from '@postern/shared/mailbox-roles.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { call } from '#data/api.ts'
import { app, useApp } from '#data/app-state.ts'

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

/** Which mailbox plays which role, and which are kept in step at all. */
export const MailboxTable = ({ accountId }: { accountId: string }) => {
  const mailboxes = useApp((state) =>
    Object.values(state.mailboxes).filter((mailbox) => mailbox.accountId === accountId && mailbox.isSelectable),
  )
  const patch = async (mailbox: Mailbox, body: { role?: Mailbox['role']; isSynced?: boolean }) => {
    const changed = await call('patchMailbox', 'PATCH', `/v1/mailboxes/${mailbox.id}`, { body })
    app.set((state) => ({ mailboxes: { ...state.mailboxes, [changed.id]: changed } }))
  }
  return (
    <section className="card" aria-label="Mailboxes">
      <h2>Mailboxes</h2>
      <table className="plain">
        <thead>
          <tr>
            <th>Mailbox</th>
            <th>Used as</th>
            <th>Kept here</th>
          </tr>
        </thead>
        <tbody>
          {[...mailboxes]
            .sort((a, b) => a.path.localeCompare(b.path))
            .map((mailbox) => (
              <tr key={mailbox.id}>
                <td>
                  <bdi>{mailbox.path}</bdi> <span className="muted">{mailbox.messages.toLocaleString()}</span>
                </td>
                <td>
                  <select
                    className="input"
                    aria-label={`Role of ${mailbox.path}`}
                    value={mailbox.role ?? ''}
                    onChange={(event) =>
                      void patch(mailbox, { role: mailboxRoles.find((role) => role === event.target.value) ?? null })
                    }
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
                    onChange={(event) => void patch(mailbox, { isSynced: event.target.checked })}
                  />
                </td>
              </tr>
            ))}
        </tbody>
      </table>
    </section>
  )
}

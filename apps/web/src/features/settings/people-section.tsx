import { type FormEvent, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fullDate } from '#lib/format.ts'
import { Confirm } from '#ui/confirm.tsx'
import { Field } from '#ui/field.tsx'
import { ListState } from '#ui/list-state.tsx'

type Person = { id: string; name: string; address: string; accounts: number }

const copy = async (link: string) => {
  await navigator.clipboard.writeText(link)
  showToast({ kind: 'done', text: 'The link is copied.' })
}

/** Who is here, and links for those who shall come. */
export const PeopleSection = () => {
  const { value, status, reload } = useAnswer('people', async (signal) => {
    const [{ users }, { invitations }] = await Promise.all([
      call('listUsers', 'GET', '/v1/users', { signal }),
      call('listInvitations', 'GET', '/v1/invitations', { signal }),
    ])
    return { users, invitations: invitations.filter(({ usedAt }) => usedAt === null) }
  })
  const [note, setNote] = useState('')
  const [link, setLink] = useState<string | null>(null)
  const [leaving, setLeaving] = useState<Person | null>(null)
  const invite = async (event: FormEvent) => {
    event.preventDefault()
    const made = await call('createInvitation', 'POST', '/v1/invitations', { body: { note } })
    setLink(made.link)
    setNote('')
    reload()
  }
  const remove = async ({ id, name }: Person) => {
    try {
      await call('removeUser', 'DELETE', `/v1/users/${id}`)
      showToast({ kind: 'done', text: `${name} was removed` })
    } catch (error) {
      showToast({ kind: 'problem', text: error instanceof ApiError ? error.message : `${name} was not removed.` })
    }
    reload()
  }
  return (
    <section className="card" aria-label="People">
      <h2>People</h2>
      <ListState
        status={status}
        isEmpty={!value}
        empty="Nobody."
        failed="The people here could not be loaded."
        lines={2}
        onRetry={reload}
      />
      <table className="plain">
        <tbody>
          {value?.users.map((person) => (
            <tr key={person.id}>
              <td>
                {person.name} <span className="muted">{person.address}</span>
              </td>
              <td style={{ textAlign: 'end' }}>
                {person.role === 'owner' ? (
                  'Owner'
                ) : (
                  <button type="button" className="button" onClick={() => setLeaving(person)}>
                    Remove
                  </button>
                )}
              </td>
            </tr>
          ))}
          {value?.invitations.map((invitation) => (
            <tr key={invitation.id}>
              <td>
                Invited{invitation.note ? `: ${invitation.note}` : ''}{' '}
                <span className="muted">until {fullDate(invitation.expiresAt)}</span>
              </td>
              <td style={{ textAlign: 'end' }}>
                <button
                  type="button"
                  className="button"
                  onClick={() =>
                    void call('deleteInvitation', 'DELETE', `/v1/invitations/${invitation.id}`).then(reload)
                  }
                >
                  Withdraw
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <form onSubmit={(event) => void invite(event)} style={{ marginBlockStart: 16 }}>
        <Field
          label="Invite somebody"
          value={note}
          onChange={(event) => setNote(event.target.value)}
          hint="For whom is it? Only a note for you."
        />
        <button type="submit" className="button primary">
          Make a link
        </button>
      </form>
      {link && (
        <div className="notice" style={{ marginBlockStart: 12 }}>
          Send this link; it works once, for seven days, and is not shown again:
          <br />
          <code style={{ overflowWrap: 'anywhere' }}>{link}</code>
          {/* Browsers give the clipboard to safe addresses only. */}
          {navigator.clipboard && (
            <button type="button" className="button" onClick={() => void copy(link)}>
              Copy the link
            </button>
          )}
        </div>
      )}
      {leaving && (
        <Confirm
          title={`Remove ${leaving.name}?`}
          text={whatIsLost(leaving)}
          action="Remove for good"
          cancel="Cancel"
          onConfirm={() => void remove(leaving)}
          onClose={() => setLeaving(null)}
        />
      )}
    </section>
  )
}

const whatIsLost = ({ name, address, accounts }: Person): string => {
  const mail =
    accounts === 0
      ? 'There are no mail accounts of theirs here.'
      : `${accounts === 1 ? 'Their mail account is' : `Their ${accounts} mail accounts are`} disconnected, and all mail of it kept here is erased. Nothing is deleted at the mail provider.`
  return `${name} (${address}) is signed out everywhere at once and cannot sign in again. ${mail} This cannot be undone.`
}

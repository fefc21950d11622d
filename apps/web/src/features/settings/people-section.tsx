import { type FormEvent, useCallback, useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { fullDate } from '#lib/format.ts'
import { Field } from '#ui/field.tsx'

type Person = { id: string; name: string; address: string; role: string }
type Invitation = { id: string; note: string; expiresAt: string; usedAt: string | null }

const copy = async (link: string) => {
  await navigator.clipboard.writeText(link)
  showToast({ kind: 'done', text: 'The link is copied.' })
}

/** Who is here, and links for those who shall come. */
export const PeopleSection = () => {
  const [people, setPeople] = useState<Person[]>([])
  const [invitations, setInvitations] = useState<Invitation[]>([])
  const [note, setNote] = useState('')
  const [link, setLink] = useState<string | null>(null)
  const load = useCallback(() => {
    void call('listUsers', 'GET', '/v1/users').then(
      (answer) => setPeople(answer.users),
      () => undefined,
    )
    void call('listInvitations', 'GET', '/v1/invitations').then(
      (answer) => setInvitations(answer.invitations),
      () => undefined,
    )
  }, [])
  useEffect(load, [load])
  const invite = async (event: FormEvent) => {
    event.preventDefault()
    const made = await call('createInvitation', 'POST', '/v1/invitations', { body: { note } })
    setLink(made.link)
    setNote('')
    load()
  }
  return (
    <section className="card" aria-label="People">
      <h2>People</h2>
      <table className="plain">
        <tbody>
          {people.map((person) => (
            <tr key={person.id}>
              <td>
                {person.name} <span className="muted">{person.address}</span>
              </td>
              <td style={{ textAlign: 'end' }}>{person.role === 'owner' ? 'Owner' : ''}</td>
            </tr>
          ))}
          {invitations
            .filter(({ usedAt }) => usedAt === null)
            .map((invitation) => (
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
                      void call('deleteInvitation', 'DELETE', `/v1/invitations/${invitation.id}`).then(load)
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
    </section>
  )
}

import { type FormEvent, useRef, useState } from 'react'
import { ApiError, call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'
import { useAnswer } from '#data/use-answer.ts'
import { fullDate } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { Field } from '#ui/field.tsx'
import { ListState } from '#ui/list-state.tsx'

type Person = { id: string; name: string; address: string; accounts: number }

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
      showToast({ kind: 'done', text: t('people.removed', { name }) })
    } catch (error) {
      showToast({ kind: 'problem', text: error instanceof ApiError ? error.message : t('people.notRemoved', { name }) })
    }
    reload()
  }
  return (
    <section className="card" aria-label={t('settings.people')}>
      <h2>{t('settings.people')}</h2>
      <ListState
        status={status}
        isEmpty={!value}
        empty={t('people.none')}
        failed={t('people.failed')}
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
                  t('people.owner')
                ) : (
                  <button type="button" className="button" onClick={() => setLeaving(person)}>
                    {t('people.remove')}
                  </button>
                )}
              </td>
            </tr>
          ))}
          {value?.invitations.map((invitation) => (
            <tr key={invitation.id}>
              <td>
                {invitation.note ? t('people.invitedFor', { note: invitation.note }) : t('people.invited')}{' '}
                <span className="muted">{t('people.until', { date: fullDate(invitation.expiresAt) })}</span>
              </td>
              <td style={{ textAlign: 'end' }}>
                <button
                  type="button"
                  className="button"
                  onClick={() =>
                    void call('deleteInvitation', 'DELETE', `/v1/invitations/${invitation.id}`).then(reload)
                  }
                >
                  {t('people.withdraw')}
                </button>
              </td>
            </tr>
          ))}
        </tbody>
      </table>
      <form onSubmit={(event) => void invite(event)} style={{ marginBlockStart: 16 }}>
        <Field
          label={t('people.invite')}
          value={note}
          onChange={(event) => setNote(event.target.value)}
          hint={t('people.note')}
        />
        <button type="submit" className="button primary">
          {t('people.makeLink')}
        </button>
      </form>
      {link && <InvitationLink link={link} />}
      {leaving && (
        <Confirm
          title={t('people.removeTitle', { name: leaving.name })}
          text={whatIsLost(leaving)}
          action={t('people.removeForGood')}
          cancel={t('cancel')}
          onConfirm={() => void remove(leaving)}
          onClose={() => setLeaving(null)}
        />
      )}
    </section>
  )
}

/** Shown once. Browsers give the clipboard to secure addresses only: elsewhere the link stands selected, to be copied by hand. */
const InvitationLink = ({ link }: { link: string }) => {
  const field = useRef<HTMLInputElement>(null)
  const [isByHand, setByHand] = useState(false)
  const copy = async () => {
    try {
      await navigator.clipboard.writeText(link)
      showToast({ kind: 'done', text: t('people.copied') })
    } catch {
      setByHand(true)
      field.current?.select()
    }
  }
  return (
    <div className="notice" style={{ marginBlockStart: 12 }}>
      <p>{t('people.linkText')}</p>
      <div className="row">
        <input
          ref={field}
          className="input grow"
          readOnly
          dir="ltr"
          aria-label={t('people.link')}
          value={link}
          onFocus={(event) => event.currentTarget.select()}
        />
        <button type="button" className="button" onClick={() => void copy()}>
          {t('people.copy')}
        </button>
      </div>
      <p role="status" style={{ margin: isByHand ? '8px 0 0' : 0 }}>
        {isByHand && t('people.copyByHand')}
      </p>
    </div>
  )
}

const whatIsLost = ({ name, address, accounts }: Person): string =>
  [
    t('people.lost', { name, address }),
    accounts === 0
      ? t('people.lostNothing')
      : accounts === 1
        ? t('people.lostOne')
        : t('people.lostMany', { n: accounts }),
    t('people.lostForGood'),
  ].join(' ')

import { type FormEvent, useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { showToast } from '#data/toasts.ts'

const toLines = (list: string[]) => list.join('\n')
const toList = (text: string) => text.split(/[\s,]+/).filter(Boolean)

/** The owner's exceptions: hosts without encryption, and hosts inside the own network that other people may use. */
export const PolicySection = () => {
  const [plain, setPlain] = useState('')
  const [inside, setInside] = useState('')
  useEffect(() => {
    void call('getOwnerPolicy', 'GET', '/v1/owner/policy').then((policy) => {
      setPlain(toLines(policy.plaintextHosts))
      setInside(toLines(policy.privateHosts))
    })
  }, [])
  const save = async (event: FormEvent) => {
    event.preventDefault()
    await call('putOwnerPolicy', 'PUT', '/v1/owner/policy', {
      body: { plaintextHosts: toList(plain), privateHosts: toList(inside) },
    })
    showToast({ kind: 'done', text: 'Saved' })
  }
  return (
    <form className="card" onSubmit={(event) => void save(event)} aria-label="Allowed hosts">
      <h2>Allowed hosts</h2>
      <p>One host:port a line, such as mail.home.example:143.</p>
      <div className="field">
        <label htmlFor="inside">Inside your network, for everybody</label>
        <textarea
          id="inside"
          className="input"
          rows={4}
          value={inside}
          onChange={(event) => setInside(event.target.value)}
        />
        <div className="field-hint">
          You as the owner may always use them. Other people may not, unless listed here.
        </div>
      </div>
      <div className="field">
        <label htmlFor="plain">Without encryption</label>
        <textarea
          id="plain"
          className="input"
          rows={4}
          value={plain}
          onChange={(event) => setPlain(event.target.value)}
        />
        <div className="field-hint">
          Passwords and mail travel readable for everybody on the way. Only for machines you can touch.
        </div>
      </div>
      <button type="submit" className="button primary">
        Save
      </button>
    </form>
  )
}

import { useState } from 'react'
import { saveSetting, setting, useApp } from '#data/app-state.ts'
import { canNotify, setNotices, wantsNotices } from '#data/notices.ts'
import { leave } from '#data/session.ts'
import { Choice } from '#ui/field.tsx'

export const GeneralSection = () => (
  <>
    <Appearance />
    <Reading />
    <Notices />
    <About />
  </>
)

const Appearance = () => {
  const theme = useApp((state) => setting(state, 'theme', 'system'))
  const layout = useApp((state) => setting(state, 'layout', 'columns'))
  const density = useApp((state) => setting(state, 'density', 'normal'))
  return (
    <section className="card" aria-label="Appearance">
      <h2>Appearance</h2>
      <Choice
        label="Theme"
        value={theme}
        options={[
          { value: 'system', label: 'As the system' },
          { value: 'light', label: 'Light' },
          { value: 'dark', label: 'Dark' },
        ]}
        onChange={(value) => void saveSetting('theme', value)}
      />
      <Choice
        label="Layout"
        value={layout}
        options={[
          { value: 'columns', label: 'Three columns' },
          { value: 'bottom', label: 'Reading pane below the list' },
          { value: 'list', label: 'List only; mail opens over it' },
        ]}
        onChange={(value) => void saveSetting('layout', value)}
      />
      <Choice
        label="Rows"
        value={density}
        options={[
          { value: 'compact', label: 'Compact' },
          { value: 'normal', label: 'Normal' },
          { value: 'roomy', label: 'Roomy, with a preview line' },
        ]}
        onChange={(value) => void saveSetting('density', value)}
      />
    </section>
  )
}

const Reading = () => {
  const markReadMs = useApp((state) => setting(state, 'markReadMs', 1000))
  return (
    <section className="card" aria-label="Reading">
      <h2>Reading</h2>
      <Choice
        label="A conversation counts as read"
        value={String(markReadMs)}
        options={[
          { value: '0', label: 'at once' },
          { value: '1000', label: 'after a second' },
          { value: '3000', label: 'after three seconds' },
          { value: '-1', label: 'only when I say so' },
        ]}
        onChange={(value) => void saveSetting('markReadMs', Number(value))}
      />
    </section>
  )
}

const Notices = () => {
  const [isOn, setOn] = useState(wantsNotices)
  const [isDenied, setDenied] = useState(false)
  const change = async (wanted: boolean) => {
    const answer = await setNotices(wanted)
    setOn(answer === 'on')
    setDenied(answer === 'denied')
  }
  return (
    <section className="card" aria-label="Notifications">
      <h2>Notifications</h2>
      <label className="row">
        <input
          type="checkbox"
          checked={isOn}
          disabled={!canNotify()}
          onChange={(event) => void change(event.target.checked)}
        />
        Tell me on this device about new mail in an inbox
      </label>
      <p className="muted">While Postern is open in a tab and you look at something else.</p>
      {isDenied && (
        <div className="notice warn" role="alert">
          The browser does not allow notifications for this address. That can be changed in the browser’s own settings
          for this site.
        </div>
      )}
    </section>
  )
}

const About = () => {
  const session = useApp((state) => state.session)
  return (
    <section className="card" aria-label="About">
      <h2>About</h2>
      <p>
        Postern {session?.version}. Signed in as {session?.user.name} ({session?.user.address}). The programming
        interface is described at{' '}
        <a href="/docs" target="_blank" rel="noopener">
          /docs
        </a>
        .
      </p>
      <button type="button" className="button" onClick={() => void leave()}>
        Sign out
      </button>
    </section>
  )
}

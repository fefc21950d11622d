import { saveSetting, setting, useApp } from '#data/app-state.ts'
import { leave } from '#data/session.ts'
import { onLinkClick } from '#lib/route.ts'
import { Choice } from '#ui/field.tsx'
import { PeopleSection } from './people-section.tsx'
import { PolicySection } from './policy-section.tsx'
import { SessionsSection } from './sessions-section.tsx'

const sections = [
  { id: 'general', label: 'General', isOwners: false },
  { id: 'security', label: 'Password and devices', isOwners: false },
  { id: 'people', label: 'People', isOwners: true },
  { id: 'hosts', label: 'Allowed hosts', isOwners: true },
]

export const SettingsScreen = ({ section }: { section: string }) => {
  const role = useApp((state) => state.session?.user.role)
  const shown = sections.filter(({ isOwners }) => !isOwners || role === 'owner')
  return (
    <main className="page">
      <div className="page-head">
        <h1 style={{ flex: 1 }}>Settings</h1>
        <a className="button" href="/" onClick={(event) => onLinkClick(event, '/')}>
          Back to mail
        </a>
      </div>
      <nav className="tabs" aria-label="Settings">
        {shown.map(({ id, label }) => (
          <a
            key={id}
            href={`/settings/${id}`}
            aria-current={id === section ? 'page' : undefined}
            onClick={(event) => onLinkClick(event, `/settings/${id}`)}
          >
            {label}
          </a>
        ))}
      </nav>
      {section === 'security' ? (
        <SessionsSection />
      ) : section === 'people' ? (
        <PeopleSection />
      ) : section === 'hosts' ? (
        <PolicySection />
      ) : (
        <General />
      )}
    </main>
  )
}

const General = () => {
  const session = useApp((state) => state.session)
  const theme = useApp((state) => setting(state, 'theme', 'system'))
  const density = useApp((state) => setting(state, 'density', 'normal'))
  const markReadMs = useApp((state) => setting(state, 'markReadMs', 1000))
  return (
    <>
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
          onChange={(value) => {
            if (value === 'system') delete document.documentElement.dataset.theme
            else document.documentElement.dataset.theme = value
            void saveSetting('theme', value)
          }}
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
    </>
  )
}

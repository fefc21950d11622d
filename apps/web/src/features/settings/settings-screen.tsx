import { useApp } from '#data/app-state.ts'
import { useTitle } from '#data/use-title.ts'
import { onLinkClick } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { AccountsSection } from './accounts-section.tsx'
import { GeneralSection } from './general-section.tsx'
import { KeysSection } from './keys-section.tsx'
import { PeopleSection } from './people-section.tsx'
import { PolicySection } from './policy-section.tsx'
import { SessionsSection } from './sessions-section.tsx'

const sections = [
  { id: 'general', label: 'General', isOwners: false },
  { id: 'accounts', label: 'Accounts', isOwners: false },
  { id: 'keys', label: 'Shortcuts', isOwners: false },
  { id: 'security', label: 'Password and devices', isOwners: false },
  { id: 'people', label: 'People', isOwners: true },
  { id: 'hosts', label: 'Allowed hosts', isOwners: true },
]

export const SettingsScreen = ({ section }: { section: string }) => {
  const role = useApp((state) => state.session?.user.role)
  useTitle(t('settings'))
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
      {section === 'accounts' ? (
        <AccountsSection />
      ) : section === 'keys' ? (
        <KeysSection />
      ) : section === 'security' ? (
        <SessionsSection />
      ) : section === 'people' ? (
        <PeopleSection />
      ) : section === 'hosts' ? (
        <PolicySection />
      ) : (
        <GeneralSection />
      )}
    </main>
  )
}

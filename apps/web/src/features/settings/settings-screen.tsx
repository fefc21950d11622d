import { type ComponentType, useEffect, useRef, useState } from 'react'
import { useApp } from '#data/app-state.ts'
import { useTitle } from '#data/use-title.ts'
import { t as written } from '#lib/composer-text.ts'
import { t } from '#lib/page-text.ts'
import { onLinkClick } from '#lib/route.ts'
import { AccountsSection } from './accounts-section.tsx'
import { GeneralSection } from './general-section.tsx'
import { KeysSection } from './keys-section.tsx'
import { PeopleSection } from './people-section.tsx'
import { PolicySection } from './policy-section.tsx'
import { SessionsSection } from './sessions-section.tsx'
import { TemplatesSection } from './templates-section.tsx'

const sections = [
  { id: 'general', label: t('settings.general'), isOwners: false },
  { id: 'accounts', label: t('settings.accounts'), isOwners: false },
  { id: 'templates', label: written('templates'), isOwners: false },
  { id: 'keys', label: t('settings.keys'), isOwners: false },
  { id: 'security', label: t('settings.security'), isOwners: false },
  { id: 'people', label: t('settings.people'), isOwners: true },
  { id: 'hosts', label: t('settings.hosts'), isOwners: true },
  { id: 'relay', label: t('settings.relay'), isOwners: true },
]

/** What is made of the parts of another feature. */
export type SettingsParts = { RelaySection: ComponentType<{ isShown: boolean }> }

export const SettingsScreen = ({ section: wanted, parts }: { section: string; parts: SettingsParts }) => {
  const role = useApp((state) => state.session?.user.role)
  useTitle(t('settings'))
  const nav = useRef<HTMLElement>(null)
  const shown = sections.filter(({ isOwners }) => !isOwners || role === 'owner')
  const section = shown.find(({ id }) => id === wanted)?.id ?? 'general'
  // Once it was opened it stays, out of sight: on the way to the allowed hosts and back nothing that was typed is lost.
  const [hasRelay, setHasRelay] = useState(false)
  if (section === 'relay' && !hasRelay) setHasRelay(true)
  // On a phone there is no room for all of them: the chosen one is in sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is another one then
  useEffect(() => {
    nav.current?.querySelector('[aria-current]')?.scrollIntoView({ inline: 'center', block: 'nearest' })
  }, [section])
  return (
    <main className="page settings">
      <div className="page-head">
        <h1 style={{ flex: 1 }}>{t('settings')}</h1>
        <a className="button" href="/" onClick={(event) => onLinkClick(event, '/')}>
          {t('page.toMail')}
        </a>
      </div>
      <nav className="tabs" ref={nav} aria-label={t('settings')}>
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
      <div className="sections">
        {section === 'accounts' ? (
          <AccountsSection />
        ) : section === 'templates' ? (
          <TemplatesSection />
        ) : section === 'keys' ? (
          <KeysSection />
        ) : section === 'security' ? (
          <SessionsSection />
        ) : section === 'people' ? (
          <PeopleSection />
        ) : section === 'hosts' ? (
          <PolicySection />
        ) : section === 'general' ? (
          <GeneralSection />
        ) : null}
        {hasRelay && (
          <div hidden={section !== 'relay'}>
            <parts.RelaySection isShown={section === 'relay'} />
          </div>
        )}
      </div>
    </main>
  )
}

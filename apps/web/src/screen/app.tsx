import { lazy, Suspense, useEffect, useLayoutEffect, useState } from 'react'
import { setting, useApp } from '#data/app-state.ts'
import { startSession } from '#data/session.ts'
import { MailboxTree } from '#features/mailbox-tree/mailbox-tree.tsx'
import { MessageList } from '#features/message-list/message-list.tsx'
import { SealedMail } from '#features/message-view/sealed-mail.tsx'
import { ThreadView } from '#features/message-view/thread-view.tsx'
import { WrittenMail } from '#features/message-view/written-mail.tsx'
import { SearchResults } from '#features/search/search-results.tsx'
import { MailScreen } from '#features/shell/mail-screen.tsx'
import { Toasts } from '#features/toasts/toasts.tsx'
import { useRoute } from '#lib/route.ts'
import { t } from '#lib/text.ts'
import { untilHere } from '#lib/until-here.ts'
import { lateDialog } from '#ui/late-dialog.tsx'
import { BrokenScreen } from './broken-screen.tsx'
import { useComposers, useMailtoLinks } from './use-composers.ts'

// Rarely seen screens come when they are needed.
const Setup = lazy(() => import('#features/setup/setup-screen.tsx').then((module) => ({ default: module.SetupScreen })))
const SignIn = lazy(() =>
  import('#features/setup/sign-in-screen.tsx').then((module) => ({ default: module.SignInScreen })),
)
const AddAccount = lazy(() =>
  import('#features/accounts/add-account.tsx').then((module) => ({ default: module.AddAccount })),
)
const AccountPage = lazy(() =>
  import('#features/accounts/account-page.tsx').then((module) => ({ default: module.AccountPage })),
)
const Settings = lazy(() =>
  import('#features/settings/settings-screen.tsx').then((module) => ({ default: module.SettingsScreen })),
)
const RelaySection = lazy(() =>
  import('#features/accounts/relay-section.tsx').then((module) => ({ default: module.RelaySection })),
)
const HiddenList = lazy(() =>
  import('#features/message-list/hidden-list.tsx').then((module) => ({ default: module.HiddenList })),
)
const Outbox = lazy(() => import('#features/outbox/outbox.tsx').then((module) => ({ default: module.Outbox })))
const OutboxMail = lazy(() =>
  import('#features/outbox/outbox-mail.tsx').then((module) => ({ default: module.OutboxMail })),
)
const ShortcutSheet = lateDialog(() =>
  import('#features/shell/shortcut-sheet.tsx').then((module) => module.ShortcutSheet),
)
const Palette = lateDialog(() => import('#features/palette/palette.tsx').then((module) => module.Palette))
// Beside whatever is shown, which must not go where this does not come.
const Transfers = lazy(() =>
  untilHere(() => import('#features/transfers/transfers.tsx')).then((module) => ({ default: module.Transfers })),
)

const composerParts = { SealedMail }
const settingsParts = { RelaySection }
const outboxParts = { SealedMail, WrittenMail }
const screens = {
  MailboxTree,
  MessageList,
  HiddenList,
  Outbox,
  OutboxMail: (props: { submissionId: string }) => <OutboxMail {...props} parts={outboxParts} />,
  ThreadView,
  SearchResults,
  ShortcutSheet,
  Palette,
}

/** One page, one router: the path decides the screen. */
export const App = () => {
  const [isMounted, setMounted] = useState(false)
  const { path, hash } = useRoute()
  useEffect(() => {
    setMounted(true)
    void startSession()
  }, [])
  // The exported page is the same for every address; what depends on it is drawn in the browser.
  if (!isMounted) return <div className="boot" aria-busy="true" />
  return (
    <BrokenScreen at={`${path}#${hash}`}>
      <Suspense fallback={<div className="boot" aria-busy="true" />}>
        <Screen />
        <Toasts />
      </Suspense>
    </BrokenScreen>
  )
}

const Screen = () => {
  const route = useRoute()
  const phase = useApp((state) => state.phase)
  const hasAccounts = useApp((state) => state.accounts.length > 0)
  const hasTransfers = useApp((state) => state.hasTransfers)
  useTheme()
  const composers = useComposers(phase === 'ready' || phase === 'expired')
  useMailtoLinks()
  const isStarting = phase === 'starting'
  // The screen stands: what was painted before it goes in the same frame.
  useLayoutEffect(() => {
    if (!isStarting) document.getElementById('first-paint')?.remove()
  }, [isStarting])
  if (route.segments[0] === 'setup' || route.segments[0] === 'invitation') return <Setup kind={route.segments[0]} />
  if (isStarting) return <div className="boot" aria-busy="true" />
  if (phase === 'unreachable')
    return (
      <main className="centre">
        <h1>{t('offline.title')}</h1>
        <p>{t('offline.text')}</p>
        <button type="button" className="button primary" onClick={() => location.reload()}>
          {t('retry')}
        </button>
      </main>
    )
  if (phase === 'signedOut') return <SignIn />
  if (route.segments[0] === 'compose')
    return (
      <>
        {composers && <composers.ComposeWindow draftId={route.query.get('draft') ?? ''} parts={composerParts} />}
        {phase === 'expired' && <SignIn isOverlay />}
      </>
    )
  return (
    <>
      {route.segments[0] === 'accounts' && route.segments[1] !== 'new' ? (
        <AccountPage accountId={route.segments[1] ?? ''} />
      ) : route.segments[0] === 'settings' ? (
        <Settings section={route.segments[1] ?? 'general'} parts={settingsParts} />
      ) : route.segments[0] === 'accounts' || !hasAccounts ? (
        <AddAccount isFirst={!hasAccounts} />
      ) : (
        <MailScreen route={route} screens={screens} />
      )}
      {hasTransfers && (
        <Suspense fallback={null}>
          <Transfers />
        </Suspense>
      )}
      {composers && <composers.Composers parts={composerParts} />}
      {phase === 'expired' && <SignIn isOverlay />}
    </>
  )
}

const useTheme = (): void => {
  const theme = useApp((state) => setting(state, 'theme', 'system'))
  useEffect(() => {
    if (theme === 'light' || theme === 'dark') document.documentElement.dataset.theme = theme
    else delete document.documentElement.dataset.theme
  }, [theme])
}

import { useState } from 'react'
import { saveSetting, setting, useApp } from '#data/app-state.ts'
import { canNotify, setNotices, wantsNotices } from '#data/notices.ts'
import { leave } from '#data/session.ts'
import { t } from '#lib/page-text.ts'
import { Choice } from '#ui/field.tsx'

export const GeneralSection = () => (
  <>
    <Appearance />
    <Reading />
    <Sending />
    <Notices />
    <About />
  </>
)

const Appearance = () => {
  const theme = useApp((state) => setting(state, 'theme', 'system'))
  const layout = useApp((state) => setting(state, 'layout', 'columns'))
  const density = useApp((state) => setting(state, 'density', 'normal'))
  return (
    <section className="card" aria-label={t('general.appearance')}>
      <h2>{t('general.appearance')}</h2>
      <Choice
        label={t('general.theme')}
        value={theme}
        options={[
          { value: 'system', label: t('theme.system') },
          { value: 'light', label: t('theme.light') },
          { value: 'dark', label: t('theme.dark') },
        ]}
        onChange={(value) => void saveSetting('theme', value)}
      />
      <Choice
        label={t('general.layout')}
        value={layout}
        options={[
          { value: 'columns', label: t('layout.columns') },
          { value: 'bottom', label: t('layout.bottom') },
          { value: 'list', label: t('layout.list') },
        ]}
        onChange={(value) => void saveSetting('layout', value)}
      />
      <Choice
        label={t('general.rows')}
        value={density}
        options={[
          { value: 'compact', label: t('rows.compact') },
          { value: 'normal', label: t('rows.normal') },
          { value: 'roomy', label: t('rows.roomy') },
        ]}
        onChange={(value) => void saveSetting('density', value)}
      />
    </section>
  )
}

const Reading = () => {
  const markReadMs = useApp((state) => setting(state, 'markReadMs', 1000))
  return (
    <section className="card" aria-label={t('general.reading')}>
      <h2>{t('general.reading')}</h2>
      <Choice
        label={t('general.markRead')}
        value={String(markReadMs)}
        options={[
          { value: '0', label: t('markRead.atOnce') },
          { value: '1000', label: t('markRead.second') },
          { value: '3000', label: t('markRead.three') },
          { value: '-1', label: t('markRead.never') },
        ]}
        onChange={(value) => void saveSetting('markReadMs', Number(value))}
      />
    </section>
  )
}

const Sending = () => {
  const seconds = useApp((state) => setting(state, 'undoSendSeconds', 10))
  return (
    <section className="card" aria-label={t('general.sending')}>
      <h2>{t('general.sending')}</h2>
      <Choice
        label={t('general.undoSend')}
        value={String(seconds)}
        options={[0, 5, 10, 20, 30].map((n) => ({
          value: String(n),
          label: n === 0 ? t('undoSend.never') : t('undoSend.seconds', { n }),
        }))}
        hint={t('general.undoSendHint')}
        onChange={(value) => void saveSetting('undoSendSeconds', Number(value))}
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
    <section className="card" aria-label={t('general.notices')}>
      <h2>{t('general.notices')}</h2>
      <label className="row">
        <input
          type="checkbox"
          checked={isOn}
          disabled={!canNotify()}
          onChange={(event) => void change(event.target.checked)}
        />
        {t('notices.wish')}
      </label>
      <p className="muted">{t('notices.when')}</p>
      {isDenied && (
        <div className="notice warn" role="alert">
          {t('notices.denied')}
        </div>
      )}
    </section>
  )
}

const About = () => {
  const session = useApp((state) => state.session)
  return (
    <section className="card" aria-label={t('general.about')}>
      <h2>{t('general.about')}</h2>
      <p>
        {t('about.version', { version: session?.version ?? '' })}{' '}
        {t('about.person', { name: session?.user.name ?? '', address: session?.user.address ?? '' })}{' '}
        <a href="/docs" target="_blank" rel="noopener">
          {t('about.api')}
        </a>
      </p>
      <button type="button" className="button" onClick={() => void leave()}>
        {t('session.signOut')}
      </button>
    </section>
  )
}

import { useEffect, useState } from 'react'
import { t } from '#lib/page-text.ts'

type Meter = (password: string, about: string[]) => { score: number; advice: string }
let loading: Promise<Meter> | undefined

/** The word lists are large; they come when somebody begins to type a password. */
const loadMeter = (): Promise<Meter> => {
  loading ??= Promise.all([
    import('@zxcvbn-ts/core'),
    import('@zxcvbn-ts/language-common'),
    import('@zxcvbn-ts/language-en'),
  ]).then(([core, common, english]) => {
    const factory = new core.ZxcvbnFactory({
      dictionary: { ...common.dictionary, ...english.dictionary },
      graphs: common.adjacencyGraphs,
      translations: english.translations,
    })
    return (password, about) => {
      const { score, feedback } = factory.check(password.slice(0, 100), about)
      return { score, advice: feedback.warning ?? feedback.suggestions[0] ?? '' }
    }
  })
  return loading
}

const words = [t('strength.0'), t('strength.1'), t('strength.2'), t('strength.3'), t('strength.4')]

/** How hard a password is to guess. The server has the last word. */
export const Strength = ({ password, about }: { password: string; about: string[] }) => {
  const [verdict, setVerdict] = useState<{ score: number; advice: string } | null>(null)
  const known = about.join(' ')
  useEffect(() => {
    if (password === '') return setVerdict(null)
    let isOld = false
    void loadMeter().then((meter) => {
      if (!isOld) setVerdict(meter(password, known.split(/[\s@.]+/)))
    })
    return () => {
      isOld = true
    }
  }, [password, known])
  if (!verdict) return <>{t('strength.hint')}</>
  return (
    <span aria-live="polite">
      <span className="meter" style={{ display: 'block' }}>
        <span
          style={{
            display: 'block',
            height: '100%',
            width: `${(verdict.score + 1) * 20}%`,
            background: verdict.score >= 3 ? 'var(--accent)' : 'var(--danger)',
          }}
        />
      </span>
      {words[verdict.score]}
      {verdict.score < 3 && verdict.advice ? `. ${verdict.advice}` : ''}
    </span>
  )
}

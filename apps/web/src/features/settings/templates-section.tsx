import type { Template, TemplateHead } from '@postern/shared/templates.ts'
import { useState } from 'react'
import { askTemplates, copyTemplate, getTemplate, removeTemplate, useTemplates } from '#data/templates.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/composer-text.ts'
import { ListState } from '#ui/list-state.tsx'
import { Problem } from '#ui/problem.tsx'
import { TemplateDialog } from './template-dialog.tsx'

/** What one writes again and again. */
export const TemplatesSection = () => {
  const { list, status } = useTemplates()
  const [edited, setEdited] = useState<Template | 'new' | null>(null)
  const { problem, attempt } = useAttempt()
  const edit = ({ id }: TemplateHead) => void attempt(async () => setEdited(await getTemplate(id)))
  const actions = [
    { key: 'edit', run: edit },
    { key: 'copy', run: (one: TemplateHead) => void attempt(() => copyTemplate(one)) },
    { key: 'remove', run: (one: TemplateHead) => void attempt(() => removeTemplate(one)) },
  ] as const
  return (
    <section className="card" aria-label={t('templates')}>
      <h2>{t('templates')}</h2>
      <p>{t('templates.text')}</p>
      <ul className="identities templates">
        {list.map((one) => (
          <li key={one.id} className="row">
            <span className="grow">
              <bdi className="template-name">{one.name}</bdi>
              <span className="muted template-preview" dir="auto">
                {[one.subject, one.preview].filter(Boolean).join(' · ')}
              </span>
            </span>
            {actions.map(({ key, run }) => (
              <button
                key={key}
                type="button"
                className={key === 'remove' ? 'button danger' : 'button'}
                aria-label={`${t(`templates.${key}`)}: ${one.name}`}
                onClick={() => run(one)}
              >
                {t(`templates.${key}`)}
              </button>
            ))}
          </li>
        ))}
      </ul>
      <ListState
        status={status}
        isEmpty={list.length === 0}
        empty={t('templates.none')}
        failed={t('templates.failed')}
        lines={3}
        onRetry={askTemplates}
      />
      <Problem problem={problem} />
      <button type="button" className="button" onClick={() => setEdited('new')}>
        {t('templates.add')}
      </button>
      {edited && <TemplateDialog template={edited === 'new' ? null : edited} onClose={() => setEdited(null)} />}
    </section>
  )
}

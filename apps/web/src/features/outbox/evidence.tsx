import type { Submission } from '@postern/shared/submissions.ts'
import { t } from '#lib/composer-text.ts'
import { fullDate } from '#lib/format.ts'

/** What speaks for an arrival and against it: the person decides. */
export const Evidence = ({ evidence }: Pick<Submission, 'evidence'>) => (
  <div className="notice warn">
    {evidence.length === 0 ? (
      t('doubt.none')
    ) : (
      <ul>
        {evidence.map(({ kind, messageId, at }) => (
          <li key={`${kind} ${messageId}`}>{t(`evidence.${kind}`, { date: fullDate(at) })}</li>
        ))}
      </ul>
    )}
  </div>
)

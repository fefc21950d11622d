import type { RemovalPlan, Retrieval } from '@postern/shared/retrieval.ts'
import { type FormEvent, useEffect, useState } from 'react'
import { call } from '#data/api.ts'
import { patchAccount } from '#data/patch-account.ts'
import { showToast } from '#data/toasts.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { t } from '#lib/page-text.ts'
import { focusInvalid } from '#ui/field.tsx'
import { Problem } from '#ui/problem.tsx'
import { ConfirmPolicy } from './confirm-policy.tsx'
import { RetrievalFields } from './retrieval-fields.tsx'
import { type RetrievalForm, type RetrievalWishes, readRetrieval, retrievalFormOf } from './retrieval-form.ts'

/** What a POP3 account leaves at the provider, how often it is looked at, and how much is fetched. */
export const RetrievalCard = ({
  accountId,
  retrieval,
  onChanged,
}: {
  accountId: string
  retrieval: Retrieval
  /** Told whether something of it is not saved. */
  onChanged: (isChanged: boolean) => void
}) => {
  /** Only what was changed here: the rest follows what is stored, also when another window stores it. */
  const [edits, setEdits] = useState<Partial<RetrievalForm>>({})
  const { isBusy, problem, attempt } = useAttempt()
  const [asks, setAsks] = useState<{ wishes: RetrievalWishes; removal: RemovalPlan } | null>(null)
  const stored = retrievalFormOf(retrieval)
  const form = { ...stored, ...edits }
  const isChanged = JSON.stringify(form) !== JSON.stringify(stored)
  useEffect(() => {
    onChanged(isChanged)
    return () => onChanged(false)
  }, [isChanged, onChanged])
  const store = (wishes: RetrievalWishes) =>
    attempt(async () => {
      await patchAccount(accountId, { retrieval: wishes })
      setEdits({})
      showToast({ kind: 'done', text: t('saved') })
    })
  const ask = (wishes: RetrievalWishes) =>
    attempt(async () => {
      const body = { policy: wishes.policy }
      const removal = await call('planRemoval', 'POST', `/v1/accounts/${accountId}/removal-plan`, { body })
      setAsks({ wishes, removal })
    })
  const save = (event: FormEvent<HTMLFormElement>) => {
    event.preventDefault()
    if (isBusy) return
    const read = readRetrieval(form)
    if (read.kind === 'wrong') return focusInvalid(event.currentTarget)
    const { policy } = read.wishes
    const isSame = JSON.stringify(policy) === JSON.stringify(retrieval.policy)
    if (policy.kind === 'keep' || isSame) void store(read.wishes)
    else void ask(read.wishes)
  }
  return (
    <form className="card" onSubmit={save} aria-label={t('retrieval.legend')} noValidate>
      <h2>{t('retrieval.legend')}</h2>
      <RetrievalFields value={form} onChange={(change) => setEdits({ ...edits, ...change })} />
      <button type="submit" className="button" aria-disabled={isBusy}>
        {t('save')}
      </button>
      <Problem problem={problem} />
      {asks && (
        <ConfirmPolicy
          form={form}
          removal={{ ...asks.removal, isOnHold: retrieval.isOnHold }}
          onConfirm={() => void store(asks.wishes)}
          onClose={(isConfirmed) => {
            setAsks(null)
            if (!isConfirmed) setEdits({})
          }}
        />
      )}
    </form>
  )
}

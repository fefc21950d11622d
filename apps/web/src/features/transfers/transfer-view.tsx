import type { Transfer } from '@postern/shared/transfers.ts'
import { X } from 'lucide-react'
import type { ReactNode } from 'react'
import { type AppState, useApp } from '#data/app-state.ts'
import { cancelTransfer, dismissTransfers, isOver as hasEnded, type Shown } from '#data/transfers.ts'
import { fileSize } from '#lib/format.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { Meter } from '#ui/meter.tsx'

/** How far one import or copy is, what came of it, and what was left out and why. */
export const TransferView = ({ shown, isInDialog = false }: { shown: Shown; isInDialog?: boolean }) => {
  const { transfer, refusedFiles } = shown
  const { id, kind } = transfer
  const name = useApp((state) => (kind === 'upload' ? placeOf : pathIn)(state, transfer.mailboxId))
  const from = useApp((state) => placeOf(state, transfer.fromMailboxId ?? ''))
  const what = t(`transfer.${kind}`, { name, from })
  const isOver = hasEnded(transfer)
  const refused = [...refusedFiles, ...transfer.refused]
  const left = refusedFiles.length + transfer.refusedMails
  const counts = t(countsOf(transfer), {
    stored: transfer.stored.toLocaleString(),
    found: transfer.found.toLocaleString(),
    here: transfer.alreadyHere.toLocaleString(),
    refused: left.toLocaleString(),
    open: transfer.open.toLocaleString(),
  })
  if (isOver && !isInDialog)
    return (
      <Ended
        id={id}
        line={{ what, counts }}
        note={transfer.state === 'cancelled' || transfer.isCutOff ? standing(shown) : ''}
      >
        {refused.length > 0 && <LeftOut refused={refused} left={left} />}
      </Ended>
    )
  return (
    <div className="transfer" aria-busy={!isOver}>
      <div className="row">
        <strong className="name" dir="auto">
          {what}
        </strong>
        {!isOver && (
          <button
            type="button"
            className="button"
            aria-label={t('transfer.cancel', { what })}
            onClick={() => void cancelTransfer(id)}
          >
            {t('cancel')}
          </button>
        )}
      </div>
      <TransferMeter transfer={transfer} label={what} />
      <p>{counts}</p>
      <p role="status">{standing(shown)}</p>
      {refused.length > 0 && (
        <details open={isOver && refused.length <= 5}>
          <summary>{t('transfer.refused')}</summary>
          <LeftOut refused={refused} left={left} />
        </details>
      )}
    </div>
  )
}

const pathIn = ({ mailboxes }: AppState, id: string): string => {
  const mailbox = mailboxes[id]
  return mailbox ? pathOf(mailbox) : ''
}

/** A copy goes from one account to another: a name such as Archive says too little. */
const placeOf = (state: AppState, id: string): string => {
  const account = state.accounts.find((one) => one.id === state.mailboxes[id]?.accountId)
  return account ? `${pathIn(state, id)} (${account.name || account.address})` : pathIn(state, id)
}

/** One line of what has ended; what was left out is one click away. */
const Ended = ({
  id,
  line,
  note,
  children,
}: {
  id: string
  line: { what: string; counts: string }
  note: string
  children: ReactNode
}) => {
  const text = `${line.what}: ${note === '' ? '' : `${note} `}${line.counts}`
  return (
    <div className="transfer ended" role="status">
      {children ? (
        <details>
          <summary title={text}>{text}</summary>
          {children}
        </details>
      ) : (
        <span title={text}>{text}</span>
      )}
      <button
        type="button"
        className="icon-button"
        aria-label={t('transfer.close', { what: line.what })}
        title={t('close')}
        onClick={() => void dismissTransfers([id])}
      >
        <X size={16} aria-hidden />
      </button>
    </div>
  )
}

const LeftOut = ({ refused, left }: { refused: Shown['refusedFiles']; left: number }) => (
  <ul>
    {refused.map((one, n) => (
      // biome-ignore lint/suspicious/noArrayIndexKey: the list only grows, and names repeat
      <li key={n}>
        <bdi>{one.name}</bdi>: {one.reason}
      </li>
    ))}
    {left > refused.length && <li>{t('transfer.more', { n: (left - refused.length).toLocaleString() })}</li>}
  </ul>
)

const standing = ({ transfer, sender }: Shown): string => {
  const { state } = transfer
  if (state === 'cancelled' && transfer.isMailboxGone) {
    const n = transfer.found - transfer.stored - transfer.alreadyHere - transfer.refusedMails
    return t(transfer.hasAll ? 'transfer.deleted' : 'transfer.deletedEarly', { n: n.toLocaleString() })
  }
  if (transfer.isCutOff && state !== 'cancelled') return cutOffText(transfer)
  if (sender === 'brokenOff') return t('transfer.broken')
  return t(state === 'receiving' && sender === 'elsewhere' ? 'transfer.elsewhere' : `transfer.${state}`)
}

/** Of files that never came nothing is known but how much there is of them. */
const cutOffText = ({ bytes, expectedBytes }: Transfer): string =>
  expectedBytes !== null && expectedBytes > bytes
    ? t('transfer.cutOff', { missing: fileSize(expectedBytes - bytes), size: fileSize(expectedBytes) })
    : t('transfer.broken')

/** How many mails there are is known once all have come. */
const countsOf = ({ state, hasAll, isCutOff }: Transfer) => {
  if (state === 'done') return 'transfer.ended'
  if (state === 'cancelled') return hasAll && !isCutOff ? 'transfer.stopped' : 'transfer.stoppedEarly'
  return state === 'receiving' ? 'transfer.coming' : 'transfer.counts'
}

/** While files are sent by their bytes, then by mails; cancelled, it stands where it was. */
const TransferMeter = ({ transfer, label }: { transfer: Transfer; label: string }) => {
  const isSending = !transfer.hasAll && transfer.expectedBytes !== null
  const counted = isSending ? (transfer.expectedBytes ?? 0) : transfer.found
  // One that is over is full, also when there was nothing in it.
  const total = transfer.state === 'done' ? Math.max(1, counted) : counted
  const done = isSending ? transfer.bytes : transfer.stored + transfer.alreadyHere + transfer.refusedMails
  return <Meter label={label} done={transfer.state === 'done' ? total : Math.min(total, done)} total={total} />
}

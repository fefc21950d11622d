import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { type FormEvent, useState } from 'react'
import { type ApiError, call, explain } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { act } from '#data/commands.ts'
import { expungeIn } from '#data/expunge.ts'
import { addMailbox, type NewPlace, placeMailbox } from '#data/patch-mailbox.ts'
import { showToast } from '#data/toasts.ts'
import { isOver, transfersShown } from '#data/transfers.ts'
import type { TreeWish } from '#data/tree-wish.ts'
import { tellDone } from '#data/undo-list.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { nameOf, pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { navigate } from '#lib/route.ts'
import { count } from '#lib/text.ts'
import { Confirm } from '#ui/confirm.tsx'
import { ConfirmExpunge } from '#ui/confirm-expunge.tsx'
import { Dialog } from '#ui/dialog.tsx'
import { Choice, Field } from '#ui/field.tsx'
import { FormFoot } from '#ui/form-foot.tsx'
import { Problem } from '#ui/problem.tsx'
import { ServerSaid } from '#ui/server-said.tsx'
import { takesBelow } from './mailbox-menu.tsx'

type Given = { account: Account; currentId: string | null; onClose: () => void }

/** Asks for what a change of the tree needs; the tree itself follows the change log, here and in other windows. */
export const MailboxDialog = ({ wish, ...given }: Given & { wish: TreeWish }) => {
  switch (wish.kind) {
    case 'create':
      return <CreateDialog {...given} {...wish} />
    case 'rename':
      return <RenameDialog {...given} mailbox={wish.mailbox} />
    case 'move':
      return <MoveDialog {...given} mailbox={wish.mailbox} />
    case 'remove':
      return <RemoveDialog {...given} mailbox={wish.mailbox} isForGood={false} />
    case 'erase':
      return <RemoveDialog {...given} mailbox={wish.mailbox} isForGood />
    case 'empty':
      return <EmptyDialog {...given} mailbox={wish.mailbox} />
  }
}

const CreateDialog = ({ account, parent, onMade, onClose }: Given & Extract<TreeWish, { kind: 'create' }>) => {
  const [name, setName] = useState('')
  return (
    <Asking
      title={parent ? t('tree.newBelow', { name: parent.name }) : t('tree.newTitle')}
      action={t('tree.create')}
      onClose={onClose}
      send={async () => {
        const body = { name, parentId: parent?.id ?? null }
        const made = await call('createMailbox', 'POST', `/v1/accounts/${account.id}/mailboxes`, { body })
        addMailbox(made)
        onMade?.(made)
      }}
    >
      {(problem) => <NameField name={name} onChange={setName} problem={problem} />}
    </Asking>
  )
}

const RenameDialog = ({ mailbox, onClose }: Given & { mailbox: Mailbox }) => {
  const [name, setName] = useState(mailbox.name)
  return (
    <Asking
      title={t('tree.renameTitle', { name: mailbox.name })}
      action={t('tree.renameDo')}
      onClose={onClose}
      send={() => place(mailbox, { name }, ({ name }) => t('tree.renamed', { before: mailbox.name, name }))}
    >
      {(problem) => <NameField name={name} onChange={setName} problem={problem} />}
    </Asking>
  )
}

const MoveDialog = ({ account, mailbox, onClose }: Given & { mailbox: Mailbox }) => {
  const places = useApp(({ mailboxes }) =>
    Object.values(mailboxes)
      .filter((place) => place.accountId === account.id && takesBelow(place) && place.rights.create)
      .filter((place) => !isWithin(mailboxes, place, mailbox.id))
      .sort((a, b) => a.path.localeCompare(b.path)),
  )
  const [parentId, setParentId] = useState(mailbox.parentId ?? '')
  return (
    <Asking
      title={t('tree.moveTitle', { name: mailbox.name })}
      action={t('tree.moveDo')}
      onClose={onClose}
      send={() =>
        place(mailbox, { parentId: parentId === '' ? null : parentId }, ({ name }) => {
          const below = places.find(({ id }) => id === parentId)
          return below ? t('tree.moved', { name, place: nameOf(below) }) : t('tree.movedToTop', { name })
        })
      }
    >
      {() => (
        <Choice
          label={t('tree.place')}
          value={parentId}
          options={[
            { value: '', label: t('tree.top') },
            ...places.map((place) => ({ value: place.id, label: pathOf(place) })),
          ]}
          onChange={setParentId}
        />
      )}
    </Asking>
  )
}

/** Renames or moves; taken back, it has the name or the place that it had. Throws ApiError. */
const place = async (before: Mailbox, to: NewPlace, textOf: (placed: Mailbox) => string): Promise<void> => {
  const placed = await placeMailbox(before.id, to)
  if (placed.path === before.path) return
  const back = 'name' in to ? { name: before.name } : { parentId: before.parentId }
  tellDone(textOf(placed), () => void takeBack(() => placeMailbox(before.id, back)))
}

/** Whether it is that mailbox, or lies below it. */
const isWithin = (all: Record<string, Mailbox>, place: Mailbox, rootId: string): boolean => {
  let at: Mailbox | undefined = place
  while (at && at.id !== rootId) at = all[at.parentId ?? '']
  return at !== undefined
}

const doneTexts = { remove: 'tree.removed', trash: 'tree.trashed', erase: 'tree.erased' } as const

const RemoveDialog = ({
  account,
  mailbox,
  isForGood,
  currentId,
  onClose,
}: Given & { mailbox: Mailbox; isForGood: boolean }) => {
  const subtree = useApp(({ mailboxes }) =>
    Object.values(mailboxes).filter(
      (place) => place.accountId === account.id && isWithin(mailboxes, place, mailbox.id),
    ),
  )
  const n = subtree.reduce((sum, { messages }) => sum + messages, 0)
  const below = subtree.length - 1
  const kind = isForGood ? 'erase' : account.kind === 'pop3' ? 'remove' : 'trash'
  const text = t(below === 0 ? `tree.${kind}Text` : `tree.${kind}AllText`, {
    messages: count('messages', n),
    below: below.toLocaleString(),
  })
  const isFilling = transfersInto(subtree).some(({ transfer }) => !isOver(transfer))
  return (
    <Confirm
      title={t(isForGood ? 'tree.eraseTitle' : 'tree.removeTitle', { name: mailbox.name })}
      text={isFilling ? `${text} ${t('tree.endsImport')}` : text}
      action={t(isForGood ? 'tree.eraseDo' : 'tree.removeDo')}
      cancel={t('cancel')}
      onConfirm={() => {
        if (subtree.some(({ id }) => id === currentId)) navigate(`/?account=${account.id}`, { replace: true })
        void remove([mailbox, subtree], t(doneTexts[kind], { name: mailbox.name }), isForGood)
      }}
      onClose={onClose}
    />
  )
}

const transfersInto = (places: { id: string }[]) =>
  transfersShown().filter(({ transfer }) => places.some(({ id }) => id === transfer.mailboxId))

const remove = async ([{ id }, subtree]: [Mailbox, Mailbox[]], text: string, isForGood: boolean): Promise<void> => {
  const ended = transfersInto(subtree).filter(({ transfer }) => !isOver(transfer))
  try {
    await call('removeMailbox', 'DELETE', `/v1/mailboxes/${id}`, isForGood ? { query: { forGood: 'true' } } : {})
    // An import that the deletion ended stays so.
    const back = ended.length > 0 ? t('tree.backWithoutImport') : undefined
    tellDone(text, isForGood ? undefined : () => void takeBack(() => restore(id), back))
  } catch (error) {
    sayWhy(error)
  }
}

const restore = async (id: string): Promise<void> =>
  addMailbox(await call('restoreMailbox', 'POST', `/v1/mailboxes/${id}/restore`))

const takeBack = async (work: () => Promise<unknown>, text = t('done.undo')): Promise<void> => {
  try {
    await work()
    tellDone(text)
  } catch (error) {
    sayWhy(error)
  }
}

const sayWhy = (error: unknown): void => {
  showToast({ kind: 'problem', text: t('done.not', { reason: explain(error) }) })
}

const EmptyDialog = ({ account, mailbox, onClose }: Given & { mailbox: Mailbox }) => (
  <ConfirmExpunge
    {...expungeIn(account.id)}
    what={t('tree.emptyText', { name: nameOf(mailbox), messages: count('messages', mailbox.messages) })}
    onConfirm={() => void act('expunge', mailbox.id, { kind: 'mailbox', mailboxId: mailbox.id, exceptThreadIds: [] })}
    onClose={onClose}
  />
)

const NameField = ({
  name,
  onChange,
  problem,
}: {
  name: string
  onChange: (name: string) => void
  problem: ApiError | null
}) => (
  <Field
    label={t('tree.name')}
    value={name}
    required
    error={problem?.detail.fields?.name}
    onChange={(event) => onChange(event.target.value)}
  />
)

/** A form in a dialog, which stays open with the reason when it could not be done. */
const Asking = ({
  title,
  action,
  send,
  onClose,
  children,
}: {
  title: string
  action: string
  send: () => Promise<void>
  onClose: () => void
  children: (problem: ApiError | null) => React.ReactNode
}) => {
  const { isBusy, problem, attempt } = useAttempt()
  const onSubmit = (event: FormEvent) => {
    event.preventDefault()
    void attempt(async () => {
      await send()
      onClose()
    })
  }
  return (
    <Dialog title={title} onClose={onClose}>
      <form onSubmit={onSubmit}>
        {children(problem)}
        {!problem?.detail.fields && <Problem problem={problem} />}
        <ServerSaid text={problem?.detail.serverText} />
        <FormFoot action={action} isBusy={isBusy} onCancel={onClose} />
      </form>
    </Dialog>
  )
}

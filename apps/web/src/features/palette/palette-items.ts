import type { Account } from '@postern/shared/accounts.ts'
import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { saveSetting } from '#data/app-state.ts'
import { syncNow } from '#data/look.ts'
import { canRun, commandIds, commandText, keysOf, runCommand } from '#data/screen-commands.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { navigate } from '#lib/route.ts'

export type PaletteItem = { id: string; label: string; note: string; keys?: readonly string[]; run: () => void }

const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

const wordsOf = (label: string): string[] => plain(label).split(/[\s/.@()_-]+/)
const isMatchOf = (typed: string, words: string[]): boolean =>
  plain(typed)
    .split(/\s+/)
    .every((part) => words.some((word) => word.startsWith(part)))

/** Every typed word begins some word of the label. */
export const isMatch = (typed: string, label: string): boolean => isMatchOf(typed, wordsOf(label))

/** Every mailbox that can be opened, by the words that find it; made once, so that ten thousand are looked through at every key. */
export type Place = { mailbox: Mailbox; label: string; note: string; words: string[] }

export const listPlaces = (mailboxes: Mailbox[], accounts: Account[]): Place[] => {
  const notes = new Map(accounts.map(({ id, name, address }) => [id, name || address]))
  return mailboxes
    .filter(({ isSelectable }) => isSelectable)
    .map((mailbox) => {
      const label = pathOf(mailbox)
      const note = notes.get(mailbox.accountId) ?? ''
      return { mailbox, label, note, words: wordsOf(`${label} ${note}`) }
    })
}

/** The first ones that fit. */
export const findPlaces = (typed: string, places: Place[], most: number): Place[] => {
  const found: Place[] = []
  for (const place of places) {
    if (found.length === most) break
    if (isMatchOf(typed, place.words)) found.push(place)
  }
  return found
}

/** What can be done right now: the commands somebody on the screen can carry out, and the ones that are always there. */
export const listCommands = (accounts: Account[], chosen: Record<string, string>): PaletteItem[] => [
  ...commandIds
    .filter((id) => canRun(id))
    .map((id) => ({
      id,
      label: t(commandText(id)),
      note: '',
      keys: keysOf(id, chosen),
      run: () => void runCommand(id),
    })),
  go(t('settings'), '/settings'),
  go(t('account.add'), '/accounts/new'),
  ...accounts.flatMap((account): PaletteItem[] => {
    const { id, address } = account
    const name = account.name || address
    return [
      go(t('palette.account', { name }), `/accounts/${id}`),
      { id: `sync:${id}`, label: t('palette.sync', { name }), note: '', run: () => void syncNow(account) },
    ]
  }),
  choose(t('palette.columns'), 'layout', 'columns'),
  choose(t('palette.bottom'), 'layout', 'bottom'),
  choose(t('palette.list'), 'layout', 'list'),
  choose(t('palette.light'), 'theme', 'light'),
  choose(t('palette.dark'), 'theme', 'dark'),
  choose(t('palette.system'), 'theme', 'system'),
]

const go = (label: string, to: string): PaletteItem => ({ id: to, label, note: '', run: () => navigate(to) })
const choose = (label: string, key: string, value: string): PaletteItem => ({
  id: `${key}:${value}`,
  label,
  note: '',
  run: () => void saveSetting(key, value),
})

import type { Account } from '@postern/shared/accounts.ts'
import { call } from '#data/api.ts'
import { saveSetting } from '#data/app-state.ts'
import { canRun, commandIds, commandText, keysOf, runCommand } from '#data/screen-commands.ts'
import { navigate } from '#lib/route.ts'
import { t } from '#lib/text.ts'

export type PaletteItem = { id: string; label: string; note: string; keys?: readonly string[]; run: () => void }

const plain = (text: string): string => text.normalize('NFD').replace(/\p{M}/gu, '').toLowerCase()

/** Every typed word begins some word of the label. */
export const isMatch = (typed: string, label: string): boolean => {
  const words = plain(label).split(/[\s/.@()_-]+/)
  return plain(typed)
    .split(/\s+/)
    .every((part) => words.some((word) => word.startsWith(part)))
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
  go('Settings', '/settings'),
  go('Add account', '/accounts/new'),
  ...accounts.flatMap(({ id, name, address }): PaletteItem[] => [
    go(`Account settings: ${name || address}`, `/accounts/${id}`),
    {
      id: `sync:${id}`,
      label: `Sync now: ${name || address}`,
      note: '',
      run: () => void call('syncAccount', 'POST', `/v1/accounts/${id}/sync`).catch(() => undefined),
    },
  ]),
  choose('Layout: three columns', 'layout', 'columns'),
  choose('Layout: reading pane below', 'layout', 'bottom'),
  choose('Layout: list only', 'layout', 'list'),
  choose('Theme: light', 'theme', 'light'),
  choose('Theme: dark', 'theme', 'dark'),
  choose('Theme: as the system', 'theme', 'system'),
]

const go = (label: string, to: string): PaletteItem => ({ id: to, label, note: '', run: () => navigate(to) })
const choose = (label: string, key: string, value: string): PaletteItem => ({
  id: `${key}:${value}`,
  label,
  note: '',
  run: () => void saveSetting(key, value),
})

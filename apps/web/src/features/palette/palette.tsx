import type { SearchResult } from '@postern/shared/search.ts'
import { type KeyboardEvent, useEffect, useId, useMemo, useState } from 'react'
import { flushSync } from 'react-dom'
import { call } from '#data/api.ts'
import { useApp } from '#data/app-state.ts'
import { inView } from '#data/apply-change.ts'
import { chosenKeys, keyText } from '#data/screen-commands.ts'
import { personName } from '#lib/format.ts'
import { t } from '#lib/page-text.ts'
import { navigate } from '#lib/route.ts'
import { Dialog } from '#ui/dialog.tsx'
import { findPlaces, isMatch, listCommands, listPlaces, type PaletteItem } from './palette-items.ts'

const maxMailboxes = 8

/** Ctrl-K: every command, every mailbox, and mail itself, found by typing. */
export const Palette = ({ onClose }: { onClose: () => void }) => {
  const [text, setText] = useState('')
  const [at, setAt] = useState(0)
  const mails = useMails(text)
  const items = [...useItems(text), ...mails]
  const id = useId()
  const run = (item: PaletteItem | undefined) => {
    if (!item) return
    // The dialog gives the focus back first; the next key comes after both.
    flushSync(onClose)
    item.run()
  }
  const onKeyDown = (event: KeyboardEvent) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key]
    if (step !== undefined && items.length > 0) {
      event.preventDefault()
      setAt((at + step + items.length) % items.length)
    }
    if (event.key === 'Enter') {
      event.preventDefault()
      run(items[at])
    }
  }
  useEffect(() => {
    document.getElementById(`${id}-${at}`)?.scrollIntoView({ block: 'nearest' })
  }, [id, at])
  return (
    <Dialog title={t('key.palette')} onClose={onClose} onKeyDown={onKeyDown} head={false}>
      <input
        className="input"
        role="combobox"
        data-palette
        autoFocus
        dir="auto"
        aria-label={t('key.palette')}
        aria-expanded
        aria-controls={id}
        aria-activedescendant={items.length > 0 ? `${id}-${at}` : undefined}
        placeholder={t('palette.placeholder')}
        value={text}
        onChange={(event) => {
          setText(event.target.value)
          setAt(0)
        }}
      />
      <div className="palette" role="listbox" id={id} aria-label={t('key.palette')}>
        {items.map((item, index) => (
          // biome-ignore lint/a11y/useKeyWithClickEvents: the input above has the keys
          <div
            key={item.id}
            id={`${id}-${index}`}
            role="option"
            aria-selected={index === at}
            className="palette-item"
            onPointerMove={() => setAt(index)}
            onClick={() => run(item)}
          >
            <span className="name" dir="auto">
              {item.label}
            </span>
            <span className="muted note">{item.note}</span>
            {item.keys?.map((key) => (
              <kbd key={key}>{keyText(key)}</kbd>
            ))}
          </div>
        ))}
      </div>
    </Dialog>
  )
}

const useItems = (text: string): PaletteItem[] => {
  const chosen = useApp(chosenKeys)
  const accounts = useApp((state) => state.accounts)
  const mailboxes = useApp((state) => Object.values(state.mailboxes))
  const [commands] = useState(() => listCommands(accounts, mailboxes, inView.current?.mailboxId ?? null, chosen))
  const known = useMemo(() => listPlaces(mailboxes, accounts), [mailboxes, accounts])
  const places = findPlaces(text, known, maxMailboxes).map(
    ({ mailbox, label, note }): PaletteItem => ({
      id: `mailbox:${mailbox.id}`,
      label,
      note,
      run: () => navigate(`/mail/${mailbox.id}`),
    }),
  )
  const search: PaletteItem[] =
    text.trim() === ''
      ? []
      : [
          {
            id: 'search',
            label: t('palette.search', { text: text.trim() }),
            note: '',
            run: () => navigate(`/search?${new URLSearchParams({ q: text.trim() })}`),
          },
        ]
  return [...commands.filter(({ label }) => isMatch(text, label)), ...places, ...search]
}

/** The newest mails with these words. */
const useMails = (text: string): PaletteItem[] => {
  const [found, setFound] = useState<SearchResult['hits']>([])
  useEffect(() => {
    setFound([])
    const q = text.trim()
    if (q.length < 2) return
    const stop = new AbortController()
    const timer = setTimeout(() => {
      call('search', 'GET', '/v1/search', { query: { q, limit: 6 }, signal: stop.signal }).then(
        ({ hits }) => setFound(hits),
        // The palette still has everything else; the search page says what is wrong.
        () => undefined,
      )
    }, 150)
    return () => {
      clearTimeout(timer)
      stop.abort()
    }
  }, [text])
  return found.map(({ row, messageId }) => ({
    id: `mail:${messageId}`,
    label: row.subject || t('view.noSubject'),
    note: row.senders.map(personName).join(', '),
    run: () => navigate(`/mail/${row.mailboxId}/${row.threadId}?${new URLSearchParams({ m: messageId })}`),
  }))
}

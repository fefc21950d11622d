import type { DraftRecipient } from '@postern/shared/drafts.ts'
import { X } from 'lucide-react'
import { type DragEvent, type KeyboardEvent, type ReactNode, useEffect, useId, useRef, useState } from 'react'
import { flushSync } from 'react-dom'
import { isAddress, parseRecipients, writeRecipient } from '#lib/address-list.ts'
import { t } from '#lib/composer-text.ts'
import { optionId, SuggestionList } from './suggestion-list.tsx'
import { useSuggestions } from './use-suggestions.ts'

/** Set by the field a chip is dragged from, which lets go of it when another one takes it. */
const dragged = 'application/x-postern-recipient'
let onTaken: (() => void) | null = null
/** More are counted. */
const seenAtOnce = 20

/**
 * Addresses as chips. Comma, Enter and Tab end one, a pasted list becomes many; Backspace and arrows reach them by key, Enter or a
 * click edits one. What is no address stays, marked.
 */
export const RecipientsField = ({
  label,
  list,
  taken,
  error,
  isFocusedAtFirst = false,
  moves = [],
  onChange,
  children,
}: {
  label: string
  list: DraftRecipient[]
  /** Addresses that stand in any field: not suggested. */
  taken: string[]
  error?: string | undefined
  isFocusedAtFirst?: boolean
  /** Where else a chip can go. */
  moves?: { label: string; key: string; take: (recipient: DraftRecipient) => void }[]
  onChange: (list: DraftRecipient[]) => void
  /** Beside the input. */
  children?: ReactNode
}) => {
  const [text, setText] = useState('')
  /** What is written anew in the input; it stays in the list until that takes its place. */
  const [edited, setEdited] = useState<string | null>(null)
  const [isOver, setOver] = useState(false)
  const id = useId()
  const root = useRef<HTMLDivElement>(null)
  const input = useRef<HTMLInputElement>(null)
  const suggestions = useSuggestions(text, taken)
  const { shown, at: active } = suggestions
  const [isHere, setHere] = useState(false)
  const [said, setSaid] = useState('')
  const isOpen = isHere && shown.length > 0
  const listId = `${id}-list`
  const isCounted = list.length > seenAtOnce
  // Behind a long list it would be out of sight.
  // biome-ignore lint/correctness/useExhaustiveDependencies: it is the list that moves it
  useEffect(() => {
    if (document.activeElement === input.current) input.current?.scrollIntoView({ block: 'nearest' })
  }, [list.length])
  const addAll = (wanted: DraftRecipient[]) => {
    const place = list.findIndex((one) => writeRecipient(one) === edited)
    const others = list.filter((_, at) => at !== place)
    const fresh = wanted.filter(
      ({ address }, at, all) =>
        ![...others, ...all.slice(0, at)].some((one) => one.address.toLowerCase() === address.toLowerCase()),
    )
    const isAsBefore = fresh.length === 1 && fresh[0] && writeRecipient(fresh[0]) === edited
    setText('')
    setEdited(null)
    if (place >= 0 && !isAsBefore) onChange(list.flatMap((one, at) => (at === place ? fresh : [one])))
    else if (place < 0 && fresh.length > 0) onChange([...list, ...fresh])
  }
  const add = (typed: string) => addAll(parseRecipients(typed))
  const take = ({ name, address }: DraftRecipient) => addAll([{ name, address }])
  const forget = ({ address }: DraftRecipient) =>
    suggestions.forget(address).then(
      () => setSaid(t('suggest.forgotten', { address })),
      () => setSaid(t('suggest.notForgotten', { address })),
    )
  const remove = (at: number) => onChange(list.filter((_, index) => index !== at))
  const focusChip = (at: number) => {
    const chips = root.current?.querySelectorAll<HTMLElement>('.chip > [role="button"], .chip > .chip-text') ?? []
    if (at >= chips.length || at < 0) input.current?.focus()
    else chips[at]?.focus()
  }
  const edit = (at: number) => {
    const one = list[at]
    if (!one) return
    setEdited(writeRecipient(one))
    setText(writeRecipient(one))
    input.current?.focus()
  }
  /** True: the key was for the list. */
  const onListKey = (event: KeyboardEvent<HTMLInputElement>): boolean => {
    const { key } = event
    const isPlain = !event.ctrlKey && !event.metaKey && !event.shiftKey && !event.altKey
    const one = shown[active]
    if (!isOpen) {
      if (key === 'ArrowDown') suggestions.open()
      return key === 'ArrowDown'
    }
    if (key === 'Escape') suggestions.close()
    else if (!isPlain) return false
    else if (key === 'ArrowDown') suggestions.move(1)
    else if (key === 'ArrowUp') suggestions.move(-1)
    else if (one && (key === 'Enter' || key === 'Tab')) take(one)
    else if (one && key === 'Delete' && suggestions.isChosen && isAtEnd(event.currentTarget)) {
      if (!one.isOwn) void forget(one)
    } else return false
    return true
  }
  const onInputKey = (event: KeyboardEvent<HTMLInputElement>) => {
    // What is still being put together (an input method) has these keys itself.
    if (event.nativeEvent.isComposing) return
    if (onListKey(event)) {
      event.preventDefault()
      // Escape is for the list alone, not for all that is written.
      event.stopPropagation()
      return
    }
    const isEnd = [',', ';', 'Enter', 'Tab'].includes(event.key)
    if (isEnd && text.trim() !== '' && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
      // Within quotes a comma is part of the name.
      if (event.key === ',' && (text.match(/"/g)?.length ?? 0) % 2 === 1) return
      if (event.key !== 'Tab') event.preventDefault()
      add(text)
    } else if ((event.key === 'Backspace' || event.key === 'ArrowLeft') && event.currentTarget.selectionEnd === 0) {
      event.preventDefault()
      focusChip(list.length - 1)
    } else if ([',', ';'].includes(event.key) && text.trim() === '') event.preventDefault()
  }
  const onChipKey = (event: KeyboardEvent, at: number) => {
    const move = event.altKey ? moves.find(({ key }) => key === event.key.toLowerCase()) : undefined
    const one = list[at]
    if (move && one) {
      event.preventDefault()
      remove(at)
      move.take(one)
      input.current?.focus()
    } else if (event.key === 'Backspace' || event.key === 'Delete') {
      event.preventDefault()
      flushSync(() => remove(at))
      focusChip(event.key === 'Delete' ? at : at - 1)
    } else if (event.key === 'ArrowLeft') focusChip(Math.max(0, at - 1))
    else if (event.key === 'ArrowRight') focusChip(at + 1)
    else if (event.key === 'Enter' && !event.ctrlKey && !event.metaKey) {
      event.preventDefault()
      edit(at)
    } else if ((event.ctrlKey || event.metaKey) && event.key.toLowerCase() === 'c' && one)
      void navigator.clipboard?.writeText(writeRecipient(one))
  }
  const onDrop = (event: DragEvent) => {
    const moved = event.dataTransfer.getData(dragged)
    setOver(false)
    if (moved === '') return
    event.preventDefault()
    event.stopPropagation()
    if (list.some((one) => writeRecipient(one) === moved)) return
    onTaken?.()
    onTaken = null
    add([text, moved].filter(Boolean).join(', '))
  }
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way; keys do the same
    <div
      className={`recipients${isOver ? ' over' : ''}${error ? ' invalid' : ''}`}
      ref={root}
      onDragOver={(event) => {
        if (!event.dataTransfer.types.includes(dragged)) return
        event.preventDefault()
        setOver(true)
      }}
      onDragLeave={() => setOver(false)}
      onDrop={onDrop}
    >
      <label htmlFor={id}>{label}</label>
      <div className="chips">
        {list.map((one, at) => (
          <Chip
            // biome-ignore lint/suspicious/noArrayIndexKey: an address may stand there twice
            key={`${one.address} ${at}`}
            one={one}
            isEdited={writeRecipient(one) === edited}
            hint={moves
              .map((move) => t('recipients.move', { key: move.key.toUpperCase(), field: move.label }))
              .join(' ')}
            onRemove={() => {
              flushSync(() => remove(at))
              // Its button is gone with it: to the next chip, or the last one.
              focusChip(Math.min(at, list.length - 2))
            }}
            onEdit={() => edit(at)}
            onKeyDown={(event) => onChipKey(event, at)}
            onDragStart={(event) => {
              event.dataTransfer.setData(dragged, writeRecipient(one))
              event.dataTransfer.setData('text/plain', writeRecipient(one))
              onTaken = () => remove(at)
            }}
            // Dropped where nothing takes it, it stays.
            onDragEnd={() => {
              onTaken = null
            }}
          />
        ))}
        <input
          ref={input}
          id={id}
          type="text"
          inputMode="email"
          autoComplete="off"
          autoCapitalize="none"
          spellCheck={false}
          value={text}
          aria-invalid={error !== undefined}
          aria-describedby={
            [...(error ? [`${id}-note`] : []), ...(isCounted ? [`${id}-count`] : [])].join(' ') || undefined
          }
          // biome-ignore lint/a11y/noAutofocus: the panel was opened to write to somebody
          autoFocus={isFocusedAtFirst}
          onChange={(event) => {
            setText(event.target.value)
            setSaid('')
          }}
          onKeyDown={onInputKey}
          role="combobox"
          aria-expanded={isOpen}
          aria-controls={isOpen ? listId : undefined}
          aria-autocomplete="list"
          aria-activedescendant={isOpen && active >= 0 ? optionId(listId, active) : undefined}
          onFocus={() => setHere(true)}
          onBlur={() => {
            setHere(false)
            add(text)
          }}
          onPaste={(event) => {
            const pasted = event.clipboardData.getData('text')
            if (!/[,;\n\t<]/.test(pasted.trim()) && !pasted.includes('@')) return
            event.preventDefault()
            const { selectionStart, selectionEnd } = event.currentTarget
            add(`${text.slice(0, selectionStart ?? text.length)}${pasted}${text.slice(selectionEnd ?? text.length)}`)
          }}
        />
      </div>
      {children}
      {/* Not in the box of the chips, which scrolls. */}
      {error && (
        <span id={`${id}-note`} className="field-error" role="alert">
          {error}
        </span>
      )}
      {isCounted && (
        <small className="recipients-count" id={`${id}-count`}>
          {t('recipients.count', { n: list.length.toLocaleString() })}
        </small>
      )}
      <span className="sr-only" aria-live="polite">
        {isOpen && said === '' ? t('suggest.count', { n: shown.length }) : said}
      </span>
      {isOpen && <SuggestionList id={listId} shown={shown} at={active} onTake={take} onForget={forget} />}
    </div>
  )
}

const isAtEnd = ({ selectionStart, value }: HTMLInputElement): boolean => selectionStart === value.length

const Chip = ({
  one,
  isEdited,
  hint,
  onRemove,
  onEdit,
  onKeyDown,
  onDragStart,
  onDragEnd,
}: {
  one: DraftRecipient
  isEdited: boolean
  hint: string
  onRemove: () => void
  onEdit: () => void
  onKeyDown: (event: KeyboardEvent) => void
  onDragStart: (event: DragEvent) => void
  onDragEnd: () => void
}) => {
  const isValid = isAddress(one.address)
  // By a name that looks like an address somebody else would be written to than is seen.
  const shown = one.name && !/[@\uff20]/.test(one.name) ? one.name : one.address || one.name
  const title = isValid ? writeRecipient(one) : t('recipients.invalid', { address: writeRecipient(one) })
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: dragging is one more way; Alt and a letter do the same
    <span
      className={`chip${isValid ? '' : ' invalid'}${isEdited ? ' edited' : ''}`}
      draggable
      onDragStart={onDragStart}
      onDragEnd={onDragEnd}
    >
      <button
        type="button"
        className="chip-text"
        tabIndex={-1}
        title={`${title} ${hint}`.trim()}
        aria-label={title}
        // Seen with the focus, as by the pointer in the title.
        data-address={isValid && shown !== one.address ? one.address : undefined}
        onClick={onEdit}
        onKeyDown={onKeyDown}
      >
        <bdi>{shown}</bdi>
      </button>
      <button
        type="button"
        className="chip-remove"
        tabIndex={-1}
        aria-label={t('recipients.remove', { address: one.address })}
        onClick={onRemove}
      >
        <X size={12} aria-hidden />
      </button>
    </span>
  )
}

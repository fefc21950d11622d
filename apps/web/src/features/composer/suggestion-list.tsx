import type { Correspondent } from '@postern/shared/drafts.ts'
import { X } from 'lucide-react'
import { useEffect, useRef } from 'react'
import { t } from '#lib/composer-text.ts'

export const optionId = (listId: string, at: number): string => `${listId}-${at}`

/** The list of a combobox: the focus stays in its input, which says by `at` which one is meant. */
export const SuggestionList = ({
  id,
  shown,
  at,
  onTake,
  onForget,
}: {
  id: string
  shown: Correspondent[]
  at: number
  onTake: (one: Correspondent) => void
  onForget: (one: Correspondent) => void
}) => {
  const root = useRef<HTMLDivElement>(null)
  // biome-ignore lint/correctness/useExhaustiveDependencies: the one that is meant is marked in what was drawn
  useEffect(() => {
    root.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' })
  }, [at])
  return (
    <div
      className="suggestions"
      id={id}
      ref={root}
      role="listbox"
      tabIndex={-1}
      aria-label={t('suggest.label')}
      // The input keeps the focus, and what was typed stays no address of its own.
      onMouseDown={(event) => event.preventDefault()}
    >
      {shown.map((one, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the input has the keys
        <div
          key={one.address}
          id={optionId(id, index)}
          role="option"
          tabIndex={-1}
          aria-selected={index === at}
          className="suggestion"
          onClick={() => onTake(one)}
        >
          <span className="suggestion-text">
            {one.name !== '' && <bdi className="suggestion-name">{one.name}</bdi>}
            <bdi className={one.name === '' ? 'suggestion-name' : 'suggestion-address'}>{one.address}</bdi>
          </span>
          {!one.isOwn && (
            // For the mouse only: an option holds no button; Delete does the same.
            <span
              className="suggestion-forget"
              title={t('suggest.forget')}
              aria-hidden
              onClick={(event) => {
                event.stopPropagation()
                onForget(one)
              }}
            >
              <X size={14} />
            </span>
          )}
        </div>
      ))}
    </div>
  )
}

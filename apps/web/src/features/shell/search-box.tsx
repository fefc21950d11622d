import { Search } from 'lucide-react'
import { useEffect, useRef, useState } from 'react'
import { navigate } from '#lib/route.ts'
import { t } from '#lib/text.ts'

/** Results come while one types; each letter replaces the step before, so that one step back leaves the search. */
export const SearchBox = ({ query }: { query: string }) => {
  const [text, setText] = useState(query)
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined)
  useEffect(() => setText(query), [query])
  // Whoever went elsewhere meanwhile is not brought back.
  useEffect(() => () => clearTimeout(timer.current), [])
  const go = (value: string) => {
    clearTimeout(timer.current)
    if (value.trim() !== '')
      navigate(`/search?${new URLSearchParams({ q: value })}`, { replace: location.pathname.startsWith('/search') })
  }
  return (
    <form
      className="search"
      role="search"
      onSubmit={(event) => {
        event.preventDefault()
        go(text)
      }}
    >
      <Search size={16} aria-hidden />
      <input
        id="search"
        type="search"
        className="input"
        dir="auto"
        maxLength={500}
        aria-label={t('search')}
        placeholder={t('search')}
        value={text}
        onChange={(event) => {
          const { value } = event.target
          setText(value)
          clearTimeout(timer.current)
          const from = location.href
          // A row that is pressed meanwhile leaves this box where it is.
          timer.current = setTimeout(() => location.href === from && go(value), 200)
        }}
        onKeyDown={(event) => {
          if (event.key === 'Escape') event.currentTarget.blur()
        }}
      />
    </form>
  )
}

export const focusSearch = (): void => document.getElementById('search')?.focus()

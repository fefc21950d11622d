import type { Start } from '@postern/shared/start.ts'
import { makeListDate, personName } from '#lib/format.ts'
import { paneLimits, readPaneSizes, rememberedPanes } from '#lib/pane-sizes.ts'
import { lineHeights, rowHeights } from '#lib/row-heights.ts'
import { t } from '#lib/text.ts'

/**
 * Paints the list before the app's scripts are here, from what the page brought along (ADR 17). Its text stands in the page:
 * the functions lean on nothing around them and get what they need handed in. What is painted looks like what
 * the app draws over it a moment later (`MailScreen`, `MessageList`, `ThreadItem`); e2e/first-paint.test.ts holds the two together.
 */
const given = {
  texts: {
    inbox: t('bar.inbox'),
    search: t('search'),
    noSubject: t('view.noSubject'),
    filters: [t('filter.all'), t('filter.unread'), t('filter.flagged'), t('filter.attachments')],
  },
  rowHeights,
  lineHeights,
  limits: paneLimits,
  remembered: rememberedPanes,
}
type Tools = { listDate: (instant: string) => string; nameOf: typeof personName; readSizes: typeof readPaneSizes }

const paint = (
  { texts, rowHeights: rowsBy, lineHeights: linesBy, limits, remembered }: typeof given,
  { listDate, nameOf, readSizes }: Tools,
): void => {
  const block = document.getElementById('start')
  const place = document.getElementById('first-paint')
  const [, screen, mailboxId, threadId] = location.pathname.split('/')
  if (!block || !place || (screen !== '' && screen !== 'mail')) return
  const { session, mailboxes, list } = JSON.parse(block.textContent) as Start // presented by the server through this type
  const setting = (key: string, usual: string): string => `${session.settings[key] ?? usual}`
  const theme = setting('theme', 'system')
  if (theme !== 'system') document.documentElement.dataset.theme = theme
  const mailbox = mailboxes.find(({ id }) => id === list?.mailboxId)
  const isPhone = matchMedia('(max-width: 679px)').matches
  const layout = setting('layout', 'columns')
  const isCovered = threadId !== undefined && (isPhone || layout === 'list')
  if (!list || !mailbox || isCovered || (mailboxId && mailboxId !== mailbox.id)) return

  const make = (tag: string, className: string, ...inner: (Node | string)[]): HTMLElement => {
    const element = document.createElement(tag)
    element.className = className
    element.append(...inner)
    return element
  }
  const isOneLine = !isPhone && layout !== 'columns'
  const density = setting('density', 'normal') as keyof typeof rowsBy // written by the app only
  const height = (isOneLine ? linesBy : rowsBy)[density] ?? rowsBy.normal
  const shape = isOneLine ? 'line' : density === 'roomy' ? 'three' : 'two'
  const showsRecipients = mailbox.role === 'sent' || mailbox.role === 'drafts'

  const rowOf = (row: (typeof list.rows)[number], index: number): HTMLElement => {
    const people = showsRecipients && row.recipients.length > 0 ? row.recipients : row.senders
    const check = document.createElement('input')
    check.type = 'checkbox'
    check.disabled = true
    const who = make('span', 'who', make('bdi', '', people.map(nameOf).join(', ')))
    if (row.messages > 1) who.append(make('span', 'muted', ` ${row.messages}`))
    const subject = make('span', 'subject', make('span', 'title', row.subject || texts.noSubject))
    subject.dir = 'auto'
    if (shape !== 'three' && row.preview) subject.append(make('bdi', 'rest', ` — ${row.preview}`))
    const isOpen = row.threadId === threadId
    const drawn = make(
      'div',
      `thread ${shape}${row.unread > 0 ? ' unread' : ''}${isOpen ? ' open' : ''}`,
      make('span', 'check', check),
      who,
      make('span', 'meta', make('time', '', listDate(row.latestAt))),
      subject,
    )
    if (shape === 'three') drawn.append(make('span', 'preview', row.preview))
    drawn.style.top = `${index * height}px`
    drawn.style.height = `${height}px`
    // A click that comes before the app does is not lost: the app opens what stands in the address.
    drawn.onclick = () => history.replaceState(null, '', `/mail/${mailbox.id}/${row.threadId}`)
    return drawn
  }

  const space = make('div', 'list-space', ...list.rows.slice(0, Math.ceil(innerHeight / height)).map(rowOf))
  space.style.height = `${(list.total ?? list.rows.length) * height}px`
  const filters = make('div', 'filters', ...texts.filters.map((filter) => make('button', '', filter)))
  filters.firstElementChild?.setAttribute('aria-pressed', 'true')
  const sizes = readSizes(limits, remembered)
  const panes = make(
    'div',
    `panes ${isPhone ? 'phone' : ({ columns: 'columns', bottom: 'bottom' }[layout] ?? 'single')}${threadId ? ' has-thread' : ''}`,
    make('div', 'tree'),
    make(
      'div',
      'list',
      make(
        'div',
        'list-head',
        make('h1', '', mailbox.role === 'inbox' ? texts.inbox : mailbox.name),
        filters,
        make('span', 'icon-button'),
      ),
      make('div', 'list-scroll', space),
    ),
    make('div', 'view'),
  )
  panes.style.setProperty('--tree-width', `${sizes.tree}px`)
  panes.style.setProperty('--list-width', `${sizes.list}px`)
  panes.style.setProperty('--list-height', `${sizes.listHeight}px`)
  const icon = document.createElement('img')
  icon.src = '/icon.svg'
  icon.alt = ''
  icon.width = 22
  icon.height = 22
  const search = make('div', 'search', make('div', 'input muted', texts.search))
  const top = make(
    'div',
    'top',
    make('span', 'icon-button tree-toggle'),
    make('span', 'brand', icon, make('span', 'word', 'Postern')),
    search,
    make('span', 'icon-button not-on-phone'),
    make('span', 'icon-button not-on-phone'),
  )
  place.className = 'mail'
  place.append(top, make('div', ''), panes)
}

/** For the page: everything in one text. */
export const firstPaintScript = `(${paint})(${JSON.stringify(given)},{listDate:(${makeListDate})(),nameOf:${personName},readSizes:${readPaneSizes}})`

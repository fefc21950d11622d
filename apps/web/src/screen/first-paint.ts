import type { ThreadRow } from '@postern/shared/messages.ts'
import type { Start } from '@postern/shared/start.ts'
import { makeListDate, personName } from '#lib/format.ts'
import { paneLimits, readPaneSizes, rememberedPanes } from '#lib/pane-sizes.ts'
import { lineHeights, rowHeights } from '#lib/row-heights.ts'
import { t } from '#lib/text.ts'

/**
 * Paints the list before the app's scripts are here, from what the page brought along (ADR 17). Its text stands in the
 * page, so every function here leans on nothing around it and gets the others handed in. What is painted looks like what
 * the app draws over it a moment later (`MailScreen`, `MessageList`, `ThreadItem`); e2e/first-paint.test.ts holds the two
 * together.
 */
const facts = {
  texts: {
    inbox: t('bar.inbox'),
    search: t('search'),
    noSubject: t('view.noSubject'),
    noneOpen: t('view.none'),
    filters: [t('filter.all'), t('filter.unread'), t('filter.flagged'), t('filter.attachments')],
  },
  rowHeights,
  lineHeights,
  paneLimits,
  rememberedPanes,
}
type Facts = typeof facts
type Tools = {
  make: typeof make
  drawRow: typeof drawRow
  drawTop: typeof drawTop
  drawPanes: typeof drawPanes
  listDate: (instant: string) => string
  personName: typeof personName
  readPaneSizes: typeof readPaneSizes
}
/** How this person wants lists to be, on this screen. */
type Look = {
  isPhone: boolean
  layout: string
  shape: 'line' | 'two' | 'three'
  height: number
  showsRecipients: boolean
  openId: string | undefined
}

const make = (tag: string, className: string, ...inner: (Node | string)[]): HTMLElement => {
  const element = document.createElement(tag)
  element.className = className
  element.append(...inner)
  return element
}

const drawRow = (row: ThreadRow, index: number, look: Look, { texts }: Facts, tools: Tools): HTMLElement => {
  const people = look.showsRecipients && row.recipients.length > 0 ? row.recipients : row.senders
  const check = document.createElement('input')
  check.type = 'checkbox'
  check.disabled = true
  const who = tools.make('span', 'who', tools.make('bdi', '', people.map(tools.personName).join(', ')))
  if (row.messages > 1) who.append(tools.make('span', 'muted', ` ${row.messages}`))
  const subject = tools.make('span', 'subject', tools.make('span', 'title', row.subject || texts.noSubject))
  subject.dir = 'auto'
  if (look.shape !== 'three' && row.preview) subject.append(tools.make('bdi', 'rest', ` — ${row.preview}`))
  const drawn = tools.make(
    'div',
    `thread ${look.shape}${row.unread > 0 ? ' unread' : ''}${row.threadId === look.openId ? ' open' : ''}`,
    tools.make('span', 'check', check),
    who,
    tools.make('span', 'meta', tools.make('time', '')),
    subject,
  )
  if (look.shape === 'three') drawn.append(tools.make('span', 'preview', row.preview))
  drawn.style.top = `${index * look.height}px`
  drawn.style.height = `${look.height}px`
  // A click that comes before the app does is not lost: the app opens what stands in the address.
  drawn.onclick = () => history.replaceState(null, '', `/mail/${row.mailboxId}/${row.threadId}`)
  return drawn
}

const drawTop = ({ texts }: Facts, tools: Tools): HTMLElement => {
  const icon = document.createElement('img')
  icon.src = '/icon.svg'
  icon.alt = ''
  icon.width = 22
  icon.height = 22
  const search = document.createElement('input')
  search.className = 'input'
  search.placeholder = texts.search
  search.readOnly = true
  search.tabIndex = -1
  return tools.make(
    'div',
    'top',
    tools.make('span', 'icon-button tree-toggle'),
    tools.make('span', 'brand', icon, tools.make('span', 'word', 'Postern')),
    tools.make('div', 'search', search),
    tools.make('span', 'icon-button not-on-phone'),
    tools.make('span', 'icon-button not-on-phone'),
  )
}

const drawPanes = (title: HTMLElement, space: HTMLElement, look: Look, given: Facts, tools: Tools): HTMLElement => {
  const filters = tools.make('div', 'filters', ...given.texts.filters.map((filter) => tools.make('button', '', filter)))
  filters.firstElementChild?.setAttribute('aria-pressed', 'true')
  const head = tools.make('div', 'list-head', title, filters, tools.make('span', 'icon-button'))
  const layout = look.isPhone ? 'phone' : ({ columns: 'columns', bottom: 'bottom' }[look.layout] ?? 'single')
  const panes = tools.make(
    'div',
    `panes ${layout}${look.openId ? ' has-thread' : ''}`,
    tools.make('div', 'tree'),
    tools.make('div', 'list', head, tools.make('div', 'list-scroll', space)),
    // Often the largest text of the screen, which is what browsers take for the time of its paint.
    tools.make('div', 'view', ...(look.openId ? [] : [tools.make('p', 'empty', given.texts.noneOpen)])),
  )
  const sizes = tools.readPaneSizes(given.paneLimits, given.rememberedPanes)
  panes.style.setProperty('--tree-width', `${sizes.tree}px`)
  panes.style.setProperty('--list-width', `${sizes.list}px`)
  panes.style.setProperty('--list-height', `${sizes.listHeight}px`)
  return panes
}

const paint = (given: Facts, tools: Tools): void => {
  const block = document.getElementById('start')
  const place = document.getElementById('first-paint')
  const [, screen, mailboxId, openId] = location.pathname.split('/')
  if (!block || !place || (screen !== '' && screen !== 'mail')) return
  const { session, accounts, mailboxes, list } = JSON.parse(block.textContent) as Start // presented by the server through this type
  const setting = (key: string, usual: string): string => `${session.settings[key] ?? usual}`
  const theme = setting('theme', 'system')
  if (theme !== 'system') document.documentElement.dataset.theme = theme
  const mailbox = mailboxes.find(({ id }) => id === list?.mailboxId)
  const isPhone = matchMedia('(max-width: 679px)').matches
  const layout = setting('layout', 'columns')
  const isCovered = openId !== undefined && (isPhone || layout === 'list')
  if (!list || !mailbox || isCovered || (mailboxId && mailboxId !== mailbox.id)) return
  const isOneLine = !isPhone && layout !== 'columns'
  const density = setting('density', 'normal') as keyof typeof given.rowHeights // written by the app only
  const height = (isOneLine ? given.lineHeights : given.rowHeights)[density] ?? given.rowHeights.normal
  const look: Look = {
    isPhone,
    layout,
    shape: isOneLine ? 'line' : density === 'roomy' ? 'three' : 'two',
    height,
    showsRecipients: mailbox.role === 'sent' || mailbox.role === 'drafts',
    openId,
  }
  const inSight = list.rows.slice(0, Math.ceil(innerHeight / height))
  const rows = inSight.map((row, index) => tools.drawRow(row, index, look, given, tools))
  const space = tools.make('div', 'list-space', ...rows)
  space.style.height = `${(list.total ?? list.rows.length) * height}px`
  const name = mailbox.role === 'inbox' ? given.texts.inbox : mailbox.name
  const account = accounts.find(({ id }) => id === mailbox.accountId)
  const title = tools.make('h1', '', tools.make('bdi', '', name))
  if (accounts.length > 1 && account) title.append(tools.make('bdi', 'whose', account.name || account.address))
  place.className = 'mail'
  place.append(tools.drawTop(given, tools), tools.make('div', ''), tools.drawPanes(title, space, look, given, tools))
  // A browser's first date costs as much as all the rest here: it comes when the rows are in sight.
  const fillDates = () => {
    for (const [index, { latestAt }] of inSight.entries()) {
      const time = rows[index]?.querySelector('time')
      if (time) time.textContent = tools.listDate(latestAt)
    }
  }
  requestAnimationFrame(() => setTimeout(fillDates))
}

const tools = Object.entries({ make, drawRow, drawTop, drawPanes, personName, readPaneSizes })
const toolTexts = tools.map(([name, tool]) => `${name}:${tool}`).join(',')

/** For the page: everything in one text. */
export const firstPaintScript = `(${paint})(${JSON.stringify(facts)},{${toolTexts},listDate:(${makeListDate})()})`

import type { Message, MessageBody, MessagePart } from '@postern/shared/messages.ts'
import type { MailNotes } from '@postern/shared/reports.ts'
import { useEffect, useMemo, useRef, useState } from 'react'
import { call, request } from '#data/api.ts'
import { app, isMissing, loadBody, loadThread, setting, useApp } from '#data/app-state.ts'
import { fileSize, fullDate, listDate, messageDate, personName } from '#lib/format.ts'
import { count, t } from '#lib/text.ts'
import { useMedia } from '#lib/use-media.ts'
import { Dialog } from '#ui/dialog.tsx'
import { ListState } from '#ui/list-state.tsx'
import { Attachments } from './attachments.tsx'
import { useFrameModule } from './frame-module.ts'
import { LeaveList } from './leave-list.tsx'
import type { FoundInMail, FrameProps } from './message-frame.tsx'
import { MessageMenu } from './message-menu.tsx'
import { PrintHead } from './print-head.tsx'
import { printMessage } from './print-message.ts'
import { ReceiptAsked } from './receipt-asked.tsx'
import { DraftBar, ReplyBar } from './reply-bar.tsx'
import { Reports } from './reports.tsx'
import { TextBody } from './text-body.tsx'

type Sheet = { title: string; text: string }

/** One message of a conversation: a line when folded, everything when open. */
export const MessageItem = ({
  message,
  notes,
  isOpenAtFirst,
  isWanted,
}: {
  message: Message
  /** All of its conversation. */
  notes: MailNotes
  isOpenAtFirst: boolean
  /** The address names it. */
  isWanted: boolean
}) => {
  const [isOpen, setOpen] = useState(isOpenAtFirst)
  const [sheet, setSheet] = useState<Sheet | null>(null)
  const [isPlain, setPlain] = useState(false)
  const [isOnWhite, setOnWhite] = useState(false)
  const article = useRef<HTMLElement>(null)
  const body = useApp((state) => state.bodies[message.id])
  useEffect(() => {
    if (isOpen && !body) void loadBody(message.id)
  }, [isOpen, body, message.id])

  useEffect(() => {
    if (!isWanted) return
    setOpen(true)
    article.current?.scrollIntoView({ block: 'nearest' })
  }, [isWanted])

  const showHeaders = async () => {
    const { headers } = await call('getMessageHeaders', 'GET', `/v1/messages/${message.id}/headers`)
    setSheet({ title: t('view.headers'), text: headers.map(({ name, value }) => `${name}: ${value}`).join('\n') })
  }
  const showSource = async () => {
    const response = await request('GET', `/v1/messages/${message.id}/source`)
    setSheet({ title: t('view.source'), text: (await response.text()).slice(0, 1_000_000) })
  }
  const print = () => {
    const wasOnWhite = isOnWhite
    // Paper is white, and so is what is printed on it.
    setOnWhite(true)
    if (article.current) printMessage(article.current, () => setOnWhite(wasOnWhite))
  }
  const from = message.from[0]
  const trusted = body && !('failed' in body) && body.remoteContentAllowed ? body.remoteContentSender : null
  const isDraft = message.placements.some(({ flags }) => flags.draft)
  // Its parts are those of the text that is shown: until that one came as a whole, so did nothing.
  const isWhole = !message.isHeaderOnly && (body === undefined || 'failed' in body || !body.isHeaderOnly)
  const ask = notes.asks.find(({ messageId }) => messageId === message.id)
  return (
    <article className="message" data-message={message.id} ref={article} aria-label={from ? personName(from) : ''}>
      <div className="row one-line">
        <button type="button" className="message-head" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          <bdi className="from">{from ? personName(from) : '—'}</bdi>
          {isDraft && <em className="muted">{t('view.draft')}</em>}
          <span className="grow muted" dir="auto">
            {isOpen ? from?.address : message.preview}
          </span>
          <time
            className="muted"
            dateTime={message.date ?? message.receivedAt}
            title={message.date ? fullDate(message.date) : t('view.noDate')}
          >
            {messageDate(message.date ?? message.receivedAt)}
          </time>
        </button>
        {isOpen && (
          <MessageMenu
            messageId={message.id}
            label={t('view.moreOf', { name: from ? personName(from) : '—', date: listDate(message.receivedAt) })}
            hasHtml={body !== undefined && !('failed' in body) && body.html !== null}
            isWhole={isWhole}
            isPlain={isPlain}
            onPlain={() => setPlain(!isPlain)}
            onWhite={() => setOnWhite(!isOnWhite)}
            onHeaders={() => void showHeaders()}
            onSource={() => void showSource()}
            onPrint={print}
            trusted={trusted}
            onDistrust={() => trusted !== null && void setTrust(trusted, false)}
          />
        )}
      </div>
      <Reports message={message} reports={notes.reports} isOpen={isOpen} />
      {isOpen && (
        <>
          <PrintHead message={message} parts={body && !('failed' in body) ? body.parts : []} />
          <div className="row one-line">
            <Addresses message={message} />
            {ask?.list && <LeaveList messageId={message.id} isLeft={ask.list.leftAt !== null} />}
          </div>
          {ask?.list?.leftAt && <p className="muted report">{t('list.left', { date: fullDate(ask.list.leftAt) })}</p>}
          {ask?.receipt && <ReceiptAsked message={message} receipt={ask.receipt} />}
          {!isWhole && <InPart message={message} hasText={body !== undefined && !isMissing(body)} />}
          <Body
            message={message}
            body={body}
            isPlain={isPlain}
            isOnWhite={isOnWhite}
            onSource={() => void showSource()}
          />
          {isDraft ? (
            <DraftBar messageId={message.id} />
          ) : (
            <ReplyBar messageId={message.id} name={from ? personName(from) : '—'} />
          )}
        </>
      )}
      {sheet && (
        <Dialog title={sheet.title} onClose={() => setSheet(null)} size="wide">
          <pre>{sheet.text}</pre>
          <div className="row end" style={{ marginBlockStart: 12 }}>
            <button type="button" className="button" onClick={() => setSheet(null)}>
              {t('close')}
            </button>
          </div>
        </Dialog>
      )}
    </article>
  )
}

const Addresses = ({ message }: { message: Message }) => {
  const [isFull, setFull] = useState(false)
  const all = [...message.to, ...message.cc, ...message.bcc]
  const write = (list: Message['to']) =>
    list
      .map(({ name, address }) =>
        isFull && name
          ? `${toldApart(name)} <${address}>`
          : isFull
            ? address
            : toldApart(personName({ name, address })),
      )
      .join(', ')
  return (
    <button type="button" className="addresses message-head" aria-expanded={isFull} onClick={() => setFull(!isFull)}>
      <span>
        {t('view.to')} {write(isFull ? message.to : all.slice(0, 6)) || '—'}
        {isFull && message.cc.length > 0 && ` · ${t('view.cc', { people: write(message.cc) })}`}
        {isFull && message.bcc.length > 0 && ` · ${t('view.bcc', { people: write(message.bcc) })}`}
        {isFull && message.date && ` · ${fullDate(message.date)}`}
        {isFull && ` · ${fileSize(message.sizeBytes)}`}
      </span>
    </button>
  )
}

/** A name with a comma would read as two people. */
const toldApart = (name: string): string => (/[,;]/.test(name) ? `“${name}”` : name)

/** The rest of it is at the provider: for a size limit, or since it was read by IMAP. */
const InPart = ({ message, hasText }: { message: Message; hasText: boolean }) => {
  const [isAsking, setAsking] = useState(false)
  const isComing = isAsking || message.isRestComing || !message.isHeaderOnly
  /** That it was asked for is told to every window, and to this one no later than its answer. */
  const ask = async () => {
    setAsking(true)
    await call('fetchRest', 'POST', `/v1/messages/${message.id}/rest`)
      .then(() => loadThread(message.threadId))
      .finally(() => setAsking(false))
  }
  return (
    <div className="notice row" role="status">
      <span className="notice-text">
        {t(hasText ? 'view.restAway' : 'view.headerOnly', { size: fileSize(message.sizeBytes) })}{' '}
        {isComing && t('view.restComes')}
      </span>
      {!isComing && (
        <button type="button" className="button" onClick={() => void ask()}>
          {t('view.getRest')}
        </button>
      )}
    </div>
  )
}

type BodyProps = {
  message: Message
  body: MessageBody | { failed: string } | undefined
  isPlain: boolean
  isOnWhite: boolean
  onSource: () => void
}

const nothingFound: FoundInMail = { remote: 0, misleadingLinks: [], isBroken: false }

const Body = ({ message, body, isPlain, isOnWhite, onSource }: BodyProps) => {
  const [found, setFound] = useState<FoundInMail>(nothingFound)
  const [isLoaded, setLoaded] = useState(false)
  const [attempt, setAttempt] = useState(0)
  const [missing, setMissing] = useState(0)
  const isDark = useDark() && !isOnWhite
  if (!body) return <ListState status="loading" isEmpty empty={null} lines={3} onRetry={() => undefined} />
  if ('failed' in body)
    return (
      <div className="notice bad" role="alert">
        {t('view.failed')} {body.failed}{' '}
        <button type="button" className="button" onClick={() => void loadBody(message.id)}>
          {t('retry')}
        </button>
      </div>
    )
  const sender = body.remoteContentSender
  const loadsRemote = isLoaded || body.remoteContentAllowed
  const isHtml = body.html !== null && !isPlain && !found.isBroken
  return (
    <>
      {(body.state === 'unparsable' || body.state === 'salvaged') && (
        <div className="notice warn">
          {t(body.state === 'salvaged' ? 'view.salvaged' : 'view.unparsable')}{' '}
          <button type="button" className="button" onClick={onSource}>
            {t('view.source')}
          </button>
        </div>
      )}
      {isHtml && found.remote > 0 && !loadsRemote && (
        <div className="notice row">
          <span className="notice-text">{t('view.remoteBlocked')}</span>
          <button type="button" className="button" onClick={() => setLoaded(true)}>
            {t('view.remoteLoad')}
          </button>
          {sender && (
            <button type="button" className="button" onClick={() => void setTrust(sender, true)}>
              {t('view.remoteAlways', { address: sender })}
            </button>
          )}
        </div>
      )}
      {isHtml && missing > 0 && (
        <div className="notice row" role="status">
          <span className="notice-text">{count('pictures', missing)}</span>
          <button type="button" className="button" onClick={() => setAttempt(attempt + 1)}>
            {t('retry')}
          </button>
        </div>
      )}
      {isHtml && <MisleadingLinks links={found.misleadingLinks} />}
      {isHtml && body.html !== null ? (
        <HtmlBody
          messageId={message.id}
          html={body.html}
          parts={body.parts}
          loadsRemote={loadsRemote}
          attempt={attempt}
          isDark={isDark}
          onFound={setFound}
          onMissing={setMissing}
        />
      ) : (
        <TextBody text={body.text} />
      )}
      {body.isTruncated && <p className="muted">{t('view.truncated')}</p>}
      <Attachments messageId={message.id} subject={message.subject} parts={body.parts} />
    </>
  )
}

/** Of a message, whose pictures are parts of it. */
export const HtmlBody = ({
  messageId,
  parts,
  ...props
}: Omit<FrameProps, 'messageId' | 'pictures'> & { messageId: string; parts: MessagePart[] }) => {
  const module = useFrameModule()
  const pictures = useMemo(
    () =>
      new Map(
        parts.flatMap((part) =>
          part.contentId && part.preview === 'image'
            ? [[part.contentId, `/v1/messages/${messageId}/parts/${part.id}/preview`] as const]
            : [],
        ),
      ),
    [messageId, parts],
  )
  return module && <module.MessageFrame {...props} messageId={messageId} pictures={pictures} />
}

/** For all that is open of this sender, and for the future. */
const setTrust = async (address: string, isTrusted: boolean): Promise<void> => {
  if (isTrusted) await call('trustSender', 'PUT', '/v1/trusted-senders', { body: { address } })
  else await call('distrustSender', 'DELETE', '/v1/trusted-senders', { query: { address } })
  app.set(({ bodies }) => ({
    bodies: Object.fromEntries(
      Object.entries(bodies).map(([id, body]) => [
        id,
        !('failed' in body) && body.remoteContentSender === address
          ? { ...body, remoteContentAllowed: isTrusted }
          : body,
      ]),
    ),
  }))
}

const maxLinksSaid = 3

/** Said above the frame as well, where no style of the mail reaches. */
const MisleadingLinks = ({ links }: { links: FoundInMail['misleadingLinks'] }) => {
  const said = [...new Set(links.map(({ shown, target }) => t('view.leadsElsewhere', { shown, target })))]
  if (said.length === 0) return null
  return (
    <div className="notice warn" role="note">
      {t('view.misleadingLinks')}
      <ul>
        {said.slice(0, maxLinksSaid).map((line) => (
          <li key={line}>
            <bdi>{line}</bdi>
          </li>
        ))}
        {said.length > maxLinksSaid && <li>{t('view.moreLinks', { count: String(said.length - maxLinksSaid) })}</li>}
      </ul>
    </div>
  )
}

/** Whether the screen is dark right now, by choice or by the system. */
export const useDark = (): boolean => {
  const theme = useApp((state) => setting(state, 'theme', 'system'))
  const isSystemDark = useMedia('(prefers-color-scheme: dark)')
  return theme === 'dark' || (theme !== 'light' && isSystemDark)
}

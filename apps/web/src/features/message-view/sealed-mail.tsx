import { useEffect } from 'react'
import { loadBody, useApp } from '#data/app-state.ts'
import { t } from '#lib/text.ts'
import { ListState } from '#ui/list-state.tsx'
import { HtmlBody, useDark } from './message-item.tsx'
import { TextBody } from './text-body.tsx'

const ignore = (): void => undefined

/** The text of a mail as it is, sealed: beside an answer that quotes it. */
export const SealedMail = ({ messageId }: { messageId: string }) => {
  const body = useApp((state) => state.bodies[messageId])
  const isDark = useDark()
  useEffect(() => {
    if (!body) void loadBody(messageId)
  }, [body, messageId])
  if (!body) return <ListState status="loading" isEmpty empty={null} lines={3} onRetry={ignore} />
  if ('failed' in body)
    return (
      <p className="muted">
        {t('view.failed')} {body.failed}
      </p>
    )
  if (body.html === null) return <TextBody text={body.text} />
  return (
    <HtmlBody
      messageId={messageId}
      html={body.html}
      parts={body.parts}
      loadsRemote={body.remoteContentAllowed}
      attempt={0}
      isDark={isDark}
      onFound={ignore}
      onMissing={ignore}
    />
  )
}

import { useCallback, useEffect, useState } from 'react'
import { request } from '#data/api.ts'
import { dataAddress } from '#lib/read-picture.ts'
import { t } from '#lib/text.ts'
import { useFrameModule } from './frame-module.ts'
import type { FoundInMail } from './message-frame.tsx'
import { useDark } from './message-item.tsx'
import { TextBody } from './text-body.tsx'

/** A picture that goes along with what is written. */
export type WrittenPicture = { contentId: string; at: string }

/** What somebody here wrote, sealed as any mail is: it may hold what was taken in from another one. */
export const WrittenMail = ({
  text,
  html,
  pictures,
}: {
  text: string
  html: string | null
  pictures: WrittenPicture[]
}) => (html === null ? <TextBody text={text} /> : <WrittenHtml html={html} pictures={pictures} />)

const WrittenHtml = ({ html, pictures }: { html: string; pictures: WrittenPicture[] }) => {
  const module = useFrameModule()
  const isDark = useDark()
  const [remote, setRemote] = useState(0)
  const onFound = useCallback(({ remote: found }: FoundInMail) => setRemote(found), [])
  const shown = usePictures(pictures)
  return (
    <>
      {remote > 0 && <p className="muted">{t('view.remoteStays')}</p>}
      {module && shown && (
        <module.MessageFrame
          messageId={null}
          html={html}
          pictures={shown}
          loadsRemote={false}
          attempt={0}
          isDark={isDark}
          onFound={onFound}
          onMissing={ignore}
        />
      )}
    </>
  )
}

const ignore = (): void => undefined

/** The frame may load nothing that is no message: they are put into it. Null: they are on their way. */
const usePictures = (pictures: WrittenPicture[]): Map<string, string> | null => {
  const [shown, setShown] = useState<Map<string, string> | null>(null)
  useEffect(() => {
    const stop = new AbortController()
    const load = async ({ contentId, at }: WrittenPicture): Promise<[string, string][]> => {
      const picture = await (await request('GET', at, { signal: stop.signal })).blob()
      return picture.type.startsWith('image/') ? [[contentId, await dataAddress(picture)]] : []
    }
    void Promise.all(pictures.map((one) => load(one).catch(() => []))).then((all) => {
      if (!stop.signal.aborted) setShown(new Map(all.flat()))
    })
    return () => stop.abort()
  }, [pictures])
  return shown
}

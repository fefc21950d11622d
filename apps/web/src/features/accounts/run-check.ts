import type { CheckEvent } from '@postern/shared/accounts.ts'
import { ApiError, request } from '#data/api.ts'
import { t } from '#lib/page-text.ts'

type Watching = { path: string; signal: AbortSignal; onEvent: (event: CheckEvent) => void }

/** Runs the live test and tells each step; the answer comes line by line. Throws ApiError. */
export const runCheck = async (body: unknown, { path, signal, onEvent }: Watching): Promise<boolean> => {
  const response = await request('POST', path, { body, signal })
  const reader = response.body?.pipeThrough(new TextDecoderStream()).getReader()
  let rest = ''
  let isRight: boolean | undefined
  for (let next = await reader?.read(); next && !next.done; next = await reader?.read()) {
    const lines = (rest + next.value).split('\n')
    rest = lines.pop() ?? ''
    for (const line of lines) {
      const event = JSON.parse(line) as CheckEvent // written by our own server from the same type
      if (event.kind === 'done') isRight = event.ok
      onEvent(event)
    }
  }
  if (isRight === undefined) throw new ApiError('internal', { message: t('check.brokeOff') })
  return isRight
}

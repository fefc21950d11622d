import { useState } from 'react'
import { t } from '#lib/text.ts'
import { ApiError } from './api.ts'

export type Attempt = {
  isBusy: boolean
  problem: ApiError | null
  attempt: (work: () => Promise<void>) => Promise<void>
}

/** Work that a person waits for: what is being done, and what went wrong with it. */
export const useAttempt = (): Attempt => {
  const [isBusy, setBusy] = useState(false)
  const [problem, setProblem] = useState<ApiError | null>(null)
  const attempt = async (work: () => Promise<void>) => {
    setBusy(true)
    setProblem(null)
    try {
      await work()
    } catch (error) {
      setProblem(error instanceof ApiError ? error : new ApiError('internal', { message: t('error.unknown') }))
    } finally {
      setBusy(false)
    }
  }
  return { isBusy, problem, attempt }
}

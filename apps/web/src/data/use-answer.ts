import { type Dispatch, type SetStateAction, useCallback, useEffect, useRef, useState } from 'react'
import { failureOf } from './api.ts'
import type { ListStatus } from './thread-list.ts'

/**
 * What an operation answers, with the states a list can be in. Asked anew for every new `key` and by `reload`; an older
 * answer stays in sight until the new one is here, and never replaces a newer one. A null key asks nothing.
 */
export const useAnswer = <Value>(
  key: string | null,
  ask: (signal: AbortSignal) => Promise<Value>,
): { value: Value | null; status: ListStatus; reload: () => void; set: Dispatch<SetStateAction<Value | null>> } => {
  const [value, set] = useState<Value | null>(null)
  const [status, setStatus] = useState<ListStatus>('loading')
  const latest = useRef(ask)
  latest.current = ask
  const stop = useRef<AbortController>(undefined)
  const reload = useCallback(() => {
    stop.current?.abort()
    const own = new AbortController()
    stop.current = own
    latest.current(own.signal).then(
      (answer) => {
        if (own.signal.aborted) return
        set(answer)
        setStatus('ready')
      },
      (error: unknown) => {
        if (!own.signal.aborted) setStatus(failureOf(error))
      },
    )
  }, [])
  useEffect(() => {
    if (key === null) return
    setStatus('loading')
    reload()
    return () => stop.current?.abort()
  }, [key, reload])
  return { value, status, reload, set }
}

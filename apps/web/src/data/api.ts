import type { ErrorCode } from '@postern/shared/error-codes.ts'
import type { ErrorBody } from '@postern/shared/errors.ts'
import type { rest } from '@postern/shared/rest.ts'
import type { z } from 'zod'
import { t } from '#lib/text.ts'

/**
 * Calls REST operations. The types come from the contract; answers are checked for their error shape only, because the
 * server serialises every answer by the same schemas, and zod would cost a tenth of the script budget.
 */
type Table = typeof rest
export type OperationName = keyof Table
type In<Schema> = Schema extends z.ZodType ? z.input<Schema> : never
type Out<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined
type ResponseOf<Name extends OperationName> = Table[Name] extends { response: infer Schema } ? Out<Schema> : undefined
type Given<Name extends OperationName> = {
  body?: Table[Name] extends { body: infer Schema } ? In<Schema> : undefined
  query?: Table[Name] extends { query: infer Schema } ? Partial<In<Schema>> : undefined
  /** A file that is sent as it is. */
  content?: { type: string; file: Blob }
  signal?: AbortSignal
}

export class ApiError extends Error {
  readonly code: ErrorCode | 'unreachable'
  readonly detail: Partial<ErrorBody['error']>

  constructor(code: ErrorCode | 'unreachable', detail: Partial<ErrorBody['error']>) {
    super(detail.message ?? t('error.unreachable'))
    this.code = code
    this.detail = detail
  }
}

/** How a list that could not be fetched stands: without a connection it comes by itself later. */
export const failureOf = (error: unknown): 'offline' | 'failed' =>
  error instanceof ApiError && error.code === 'unreachable' ? 'offline' : 'failed'

/** What went wrong and what can be done about it, in one line. */
export const explain = (error: unknown): string => {
  if (!(error instanceof ApiError)) return t('error.unknown')
  return [error.message, error.detail.hint].filter(Boolean).join(' ')
}

type Listener = (error: ApiError) => void
let onAuthRequired: Listener = () => undefined
export const whenAuthRequired = (listener: Listener): void => {
  onAuthRequired = listener
}

const readError = async (response: Response): Promise<ApiError> => {
  const error = errorOf(await response.json().catch(() => null))
  if (error.code === 'auth.required') onAuthRequired(error)
  return error
}

/** What the API says went wrong, whatever it was that answered. */
export const errorOf = (body: unknown): ApiError => {
  const error = (body as Partial<ErrorBody> | null)?.error // looked at field by field
  const code = error?.code ?? 'internal'
  return new ApiError(code, {
    message: typeof error?.message === 'string' ? error.message : t('error.unknown'),
    ...(error ?? {}),
  })
}

/** Out of an answer that was not asked for by a script; an empty text: none came. */
export const readRefusal = (text: string): ApiError => {
  if (text === '') return new ApiError('unreachable', {})
  let body: unknown = null
  try {
    body = JSON.parse(text)
  } catch {
    // Not ours: the reason is unknown.
  }
  const error = errorOf(body)
  if (error.code === 'auth.required') onAuthRequired(error)
  return error
}

/** `path` is the operation's path with its ids filled in. Throws ApiError. */
export const request = async (
  method: string,
  path: string,
  {
    body,
    query,
    content,
    signal,
  }: {
    body?: unknown
    query?: Record<string, unknown> | undefined
    content?: { type: string; file: Blob } | undefined
    signal?: AbortSignal | undefined
  } = {},
): Promise<Response> => {
  const search = new URLSearchParams(
    Object.entries(query ?? {}).flatMap(([key, value]) => (value === undefined ? [] : [[key, String(value)]])),
  )
  const sent = content ?? (body === undefined ? undefined : { type: 'application/json', file: JSON.stringify(body) })
  const address = search.size > 0 ? `${path}?${search}` : path
  let response: Response
  try {
    response = await fetch(address, {
      method,
      headers: {
        ...(method === 'GET' ? {} : { 'x-postern': '1' }),
        ...(sent ? { 'content-type': sent.type } : {}),
      },
      ...(sent ? { body: sent.file } : {}),
      ...(signal ? { signal } : {}),
    })
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error
    throw new ApiError('unreachable', {})
  }
  if (response.ok) return response
  throw await readError(response)
}

/** Calls an operation: `call('getThread', 'GET', '/v1/threads/7')`. The name gives the types, the rest is plain. */
export const call = async <Name extends OperationName>(
  _name: Name,
  method: Table[Name]['method'],
  path: string,
  given: Given<Name> = {},
): Promise<ResponseOf<Name>> => {
  const response = await request(method, path, given)
  if (response.status === 204) return undefined as ResponseOf<Name> // operations without an answer
  return (await response.json()) as ResponseOf<Name> // serialised by the server through the same schema
}

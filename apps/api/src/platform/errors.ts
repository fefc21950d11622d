import { type ErrorCode, errorTable } from '@postern/shared/error-codes.ts'
import type { ErrorBody } from '@postern/shared/errors.ts'

export type AppErrorDetail = {
  /** What the person can do next, in plain words. */
  hint?: string
  fields?: Record<string, string>
  /** The account it is about, where that is another one than was asked for. */
  accountId?: string
  /** The mail server's own words; never part of `message`. */
  serverText?: string
  cause?: unknown
  /** How long to wait before trying again, when the peer said so. Milliseconds. */
  retryAfterMs?: number
}

/** The one error type that crosses folders. `message` is plain words for the person and never holds secrets. */
export class AppError extends Error {
  readonly code: ErrorCode
  readonly detail: AppErrorDetail

  constructor(code: ErrorCode, message: string, detail: AppErrorDetail = {}) {
    super(message, { cause: detail.cause })
    this.name = 'AppError'
    this.code = code
    this.detail = detail
  }

  get status(): number {
    return errorTable[this.code].status
  }

  get isRetryable(): boolean {
    return errorTable[this.code].retry
  }

  toBody(): ErrorBody {
    const { hint, fields, accountId, serverText } = this.detail
    return {
      error: {
        code: this.code,
        message: this.message,
        ...(hint === undefined ? {} : { hint }),
        ...(fields === undefined ? {} : { fields }),
        ...(accountId === undefined ? {} : { accountId }),
        ...(serverText === undefined ? {} : { serverText }),
      },
    }
  }
}

export const isAppError = (error: unknown): error is AppError => error instanceof AppError

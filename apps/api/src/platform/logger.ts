import { type DestinationStream, type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

const deepestCause = 5

/**
 * What a log may know of an error: kind, code, words and places, down its causes. Everything else a library hangs on it
 * (a failing row, a query's values, a server's answer) may hold what people wrote.
 */
const describeError = (error: unknown, depth = 0): unknown => {
  if (!(error instanceof Error)) return error === undefined ? undefined : typeof error
  const { code } = error as { code?: unknown } // common, but not declared
  const clean = (text: string) => text.replace(/(Failing row contains|Key) \(.*/g, '$1 (...)')
  return {
    type: error.name,
    ...(typeof code === 'string' ? { code } : {}),
    message: clean(error.message),
    stack: clean(error.stack ?? ''),
    ...(error.cause instanceof Error && depth < deepestCause ? { cause: describeError(error.cause, depth + 1) } : {}),
  }
}

/** JSON lines on standard error. Callers log ids and codes; the redaction is the second line, not the first. */
export const createLogger = ({ level, destination }: { level: string; destination?: DestinationStream }): Logger =>
  pino(
    {
      level,
      base: undefined,
      serializers: { err: (error: unknown) => describeError(error) },
      redact: {
        paths: [
          'password',
          '*.password',
          'pass',
          '*.pass',
          'headers.authorization',
          'headers.cookie',
          '*.headers.authorization',
          '*.headers.cookie',
          'subject',
          '*.subject',
          'address',
          '*.address',
        ],
        censor: '[secret]',
      },
    },
    destination ?? pino.destination({ dest: 2, sync: false }),
  )

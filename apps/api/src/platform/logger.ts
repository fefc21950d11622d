import { type Logger as PinoLogger, pino } from 'pino'

export type Logger = PinoLogger

/** JSON lines on standard error. Callers log ids and codes; the redaction is the second line, not the first. */
export const createLogger = ({ level }: { level: string }): Logger =>
  pino(
    {
      level,
      base: undefined,
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
    pino.destination({ dest: 2, sync: false }),
  )

import { z } from 'zod'

/**
 * The closed list of error codes on the wire. `status` is the HTTP status, `retry` says whether the same request may
 * succeed later without the person changing anything, `report` whether the operator should hear of it.
 */
export const errorTable = {
  'request.invalid': { status: 400, retry: false, report: false },
  'request.too_large': { status: 413, retry: false, report: false },
  'request.unsupported_media': { status: 415, retry: false, report: false },
  'request.host_refused': { status: 421, retry: false, report: false },
  'request.origin_refused': { status: 403, retry: false, report: false },
  'request.conflict': { status: 409, retry: false, report: false },
  'request.too_many': { status: 429, retry: true, report: false },
  not_found: { status: 404, retry: false, report: false },
  'auth.required': { status: 401, retry: false, report: false },
  'auth.failed': { status: 401, retry: false, report: false },
  'auth.forbidden': { status: 403, retry: false, report: false },
  'auth.setup_code': { status: 403, retry: false, report: false },
  'auth.setup_done': { status: 409, retry: false, report: false },
  'auth.weak_password': { status: 400, retry: false, report: false },
  'auth.invitation': { status: 403, retry: false, report: false },
  'account.address_denied': { status: 403, retry: false, report: false },
  'account.plaintext_denied': { status: 403, retry: false, report: false },
  'account.exists': { status: 409, retry: false, report: false },
  'account.not_ready': { status: 409, retry: true, report: false },
  'connect.dns': { status: 502, retry: true, report: false },
  'connect.refused': { status: 502, retry: true, report: false },
  'connect.unreachable': { status: 502, retry: true, report: false },
  'connect.timeout': { status: 504, retry: true, report: false },
  'connect.closed': { status: 502, retry: true, report: false },
  'connect.limit': { status: 503, retry: true, report: false },
  'connect.throttled': { status: 503, retry: true, report: false },
  'connect.protocol': { status: 502, retry: true, report: false },
  'tls.name': { status: 502, retry: false, report: false },
  'tls.expired': { status: 502, retry: false, report: false },
  'tls.untrusted': { status: 502, retry: false, report: false },
  'tls.pin_changed': { status: 502, retry: false, report: false },
  'tls.handshake': { status: 502, retry: true, report: false },
  'tls.starttls_missing': { status: 502, retry: false, report: false },
  'login.failed': { status: 422, retry: false, report: false },
  'login.app_password': { status: 422, retry: false, report: false },
  'login.no_passwords': { status: 422, retry: false, report: false },
  'login.method': { status: 422, retry: false, report: false },
  'login.unavailable': { status: 503, retry: true, report: false },
  'mailbox.missing': { status: 404, retry: false, report: false },
  'mailbox.read_only': { status: 409, retry: false, report: false },
  'mailbox.no_permission': { status: 409, retry: false, report: false },
  'mailbox.over_quota': { status: 409, retry: true, report: false },
  'mailbox.refused': { status: 409, retry: false, report: false },
  'message.gone': { status: 404, retry: false, report: false },
  'message.unavailable': { status: 503, retry: true, report: false },
  'message.too_large': { status: 413, retry: false, report: false },
  'message.unparsable': { status: 422, retry: false, report: false },
  'storage.full': { status: 507, retry: true, report: true },
  'storage.unavailable': { status: 503, retry: true, report: true },
  'lease.lost': { status: 503, retry: true, report: false },
  'remote_content.refused': { status: 403, retry: false, report: false },
  'remote_content.unavailable': { status: 502, retry: true, report: false },
  'config.invalid': { status: 500, retry: false, report: true },
  internal: { status: 500, retry: true, report: true },
} as const satisfies Record<string, { status: number; retry: boolean; report: boolean }>

export type ErrorCode = keyof typeof errorTable

export const errorCodes = Object.keys(errorTable) as [ErrorCode, ...ErrorCode[]] // Object.keys forgets the literal keys

/** `fields` maps a dotted path of the request to what is wrong with it, in plain words. */
export const errorBody = z
  .object({
    error: z.object({
      code: z.enum(errorCodes),
      message: z.string(),
      hint: z.string().optional(),
      fields: z.record(z.string(), z.string()).optional(),
      /** The mail server's own words, shown only on request and always as plain text. */
      serverText: z.string().optional(),
    }),
  })
  .meta({ id: 'Error' })

export type ErrorBody = z.infer<typeof errorBody>

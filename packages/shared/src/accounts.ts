import { z } from 'zod'
import { errorCodes } from './error-codes.ts'
import { amount, maildrop, retrieval, retrievalPatch } from './retrieval.ts'
import { id, instant } from './wire.ts'

export const security = z.enum(['tls', 'starttls', 'plain'])
export type Security = z.infer<typeof security>

const host = z
  .string()
  .trim()
  .min(1)
  .max(253)
  .regex(/^[A-Za-z0-9.\-_:]+$/, 'is not a host name')
const port = z.int().min(1).max(65_535)
export const loginText = z
  .string()
  .max(320)
  .regex(/^[^\u0000-\u001f\u007f]*$/, 'holds a control character')
const loginName = loginText.min(1)
export const password = z
  .string()
  .min(1)
  .max(1024)
  .regex(/^[^\u0000\r\n]+$/, 'holds a line break')
/** SHA-256 of the certificate, lower-case hex. */
export const fingerprint = z.string().regex(/^[0-9a-f]{64}$/)

export const serverSettings = z.strictObject({
  host,
  port,
  security,
  username: loginName,
  /** An exception for exactly this certificate, confirmed by the person. */
  pinnedFingerprint: fingerprint.nullable().default(null),
})
export type ServerSettings = z.infer<typeof serverSettings>

/** What speaks to the incoming server. A POP3 account has its mailboxes here and its maildrop there (retrieval.ts). */
export const accountKind = z.enum(['imap', 'pop3'])
export type AccountKind = z.infer<typeof accountKind>

export const accountSettings = z.strictObject({
  address: z.email().max(320),
  name: z.string().trim().max(100).default(''),
  kind: accountKind.default('imap'),
  incoming: serverSettings,
  /** Null: no server of its own to send with. */
  outgoing: serverSettings.nullable().default(null),
  /** Sends by the owner's relay, whatever `outgoing` is. */
  usesRelay: z.boolean().optional(),
  /** Of a POP3 account; without it, as `retrieval` has it by default. */
  retrieval: retrieval.omit({ isOnHold: true, isDeletionDecided: true }).optional(),
})
export type AccountSettings = z.infer<typeof accountSettings>

export const accountCreate = accountSettings.extend({
  password,
  /** Null: the incoming password is used for sending too. */
  outgoingPassword: password.nullable().default(null),
  /** The mailbox is here already by the other protocol, and is to be here twice. Absent: it is not. */
  beside: z.boolean().optional(),
})
export type AccountCreate = z.infer<typeof accountCreate>

/** To what an account changes, keeping what it has. */
export const accountSwitch = z.strictObject({ kind: accountKind, incoming: serverSettings, password })
export type AccountSwitch = z.infer<typeof accountSwitch>

/** An account that nobody looks after: it can be connected again, or erased. */
export const disconnectedAccount = z
  .object({
    id,
    kind: accountKind,
    address: z.string(),
    name: z.string(),
    incoming: serverSettings,
    disconnectedAt: instant,
    /** What is kept of it. */
    mails: z.int(),
    bytes: z.number(),
    /** Of a POP3 account: of these, what its last look did not list at the provider; erased, nobody has it. Null for IMAP. */
    onlyHere: amount.nullable(),
  })
  .meta({ id: 'DisconnectedAccount' })
export type DisconnectedAccount = z.infer<typeof disconnectedAccount>
export const disconnectedAccountList = z.object({ accounts: z.array(disconnectedAccount) })

/** What a change of protocol means for an account as it is now. */
export const accountSwitchPlan = z
  .object({
    /** Its server by the other protocol, if it has been there; null: nothing is known. */
    incoming: serverSettings.nullable(),
    /**
     * Mails that have to be carried, and their size. To POP3: those outside the inbox, fetched whole first, as no maildrop has
     * them; at least these, as those of the inbox come too if the maildrop turns out to show fewer (`switching.total` then says
     * how many). To IMAP: at most these, which the last look did not list; what is at the provider all the same is not brought.
     */
    mails: z.int(),
    bytes: z.number(),
    /** To POP3: paths of mailboxes that are not synced: they are not here, and are left out. */
    leftOut: z.array(z.string()),
  })
  .meta({ id: 'AccountSwitchPlan' })
export type AccountSwitchPlan = z.infer<typeof accountSwitchPlan>

export const accountPatch = z.strictObject({
  name: z.string().trim().max(100).optional(),
  color: z
    .string()
    .regex(/^#[0-9a-f]{6}$/)
    .nullable()
    .optional(),
  isPaused: z.boolean().optional(),
  incoming: serverSettings.optional(),
  outgoing: serverSettings.nullable().optional(),
  usesRelay: z.boolean().optional(),
  password: password.optional(),
  outgoingPassword: password.nullable().optional(),
  dailyByteBudget: z.int().min(0).nullable().optional(),
  /** Of a POP3 account. */
  retrieval: retrievalPatch.optional(),
})
export type AccountPatch = z.infer<typeof accountPatch>

/**
 * The account worker's state. `connecting`, `syncing`, `watching` are the healthy ones; `waiting` retries by itself at
 * `retryAt`; `needs_person` does not.
 */
export const accountState = z.enum([
  'new',
  'connecting',
  'syncing',
  'watching',
  'waiting',
  'needs_person',
  'paused',
  'disconnected',
])
export type AccountState = z.infer<typeof accountState>

export const accountProgress = z.object({
  phase: z.enum(['listing', 'envelopes', 'bodies', 'upload', 'idle']),
  done: z.int(),
  total: z.int(),
  perSecond: z.number(),
})
export type AccountProgress = z.infer<typeof accountProgress>

export const account = z
  .object({
    id,
    kind: accountKind,
    address: z.string(),
    name: z.string(),
    color: z.string().nullable(),
    position: z.int(),
    incoming: serverSettings,
    outgoing: serverSettings.nullable(),
    /** It sends by the owner's relay, and not by `outgoing`. */
    usesRelay: z.boolean(),
    state: accountState,
    /** Why it is in this state, in plain words with the next step; null when all is well. */
    problem: z
      .object({
        code: z.enum(errorCodes),
        message: z.string(),
        hint: z.string().nullable(),
        serverText: z.string().nullable(),
        since: instant,
      })
      .nullable(),
    retryAt: instant.nullable(),
    lastSyncedAt: instant.nullable(),
    progress: accountProgress.nullable(),
    /** Facts about the server that change what the screen offers. */
    capabilities: z.object({ move: z.boolean(), idle: z.boolean(), condstore: z.boolean(), keywords: z.boolean() }),
    /** How a POP3 account is looked at; null for IMAP. */
    retrieval: retrieval.nullable(),
    /** What its last look found; null before the first, and for IMAP. */
    maildrop: maildrop.nullable(),
    /**
     * While it changes its protocol: of `total` mails so many were `found` at the new server, and so many `brought` there. To
     * POP3 they are brought here, whole, while `kind` is still imap; then those of the inbox are found. `isTold`: what is left the
     * server does not take. Null otherwise.
     */
    switching: z
      .object({
        to: accountKind.default('imap'),
        total: z.int(),
        found: z.int(),
        brought: z.int(),
        isTold: z.boolean(),
      })
      .nullable(),
    /** When it is looked at next; null for IMAP, and while it is paused. */
    nextLookAt: instant.nullable(),
    storedBytes: z.int(),
    /** For bodies fetched ahead; null: no limit. */
    dailyByteBudget: z.int().nullable(),
    /** True when the server's address is private or loopback, so that the screen can say so. */
    isPrivateHost: z.boolean(),
  })
  .meta({ id: 'Account' })
export type Account = z.infer<typeof account>

export const accountList = z.object({ accounts: z.array(account) })
export const accountOrder = z.strictObject({ accountIds: z.array(id).max(1000) })
export const accountRemoval = z.object({ mode: z.enum(['disconnect', 'erase']) })

/** A sync that somebody asked for, and how it ended. */
export const syncReply = z
  .object({
    id,
    /** `running`: it was asked for, or is under way. */
    state: z.enum(['running', 'done', 'failed']),
    /** So many new mails a look at a maildrop brought; null before its end, and for IMAP, where each comes by itself. */
    arrived: z.int().nullable(),
    /** Of so many mails that were here in part the rest came with it; null as above. */
    completed: z.int().nullable(),
    /** So many mails it removed at the provider, as the account is set; null as above. */
    removed: z.int().nullable(),
    /** The server allows no look before: it comes by itself then. */
    waitsUntil: instant.nullable(),
    /** Why it failed, with the next step. */
    problem: z.object({ code: z.enum(errorCodes), message: z.string(), hint: z.string().nullable() }).nullable(),
  })
  .meta({ id: 'SyncReply' })
export type SyncReply = z.infer<typeof syncReply>

/** One line of the health timeline. */
export const syncEvent = z
  .object({ id, at: instant, kind: z.string(), code: z.enum(errorCodes).nullable(), text: z.string() })
  .meta({ id: 'SyncEvent' })
export type SyncEvent = z.infer<typeof syncEvent>
export const syncEventList = z.object({ events: z.array(syncEvent) })

export const discoveryRequest = z.strictObject({ address: z.email().max(320) })

const discoveredServer = z.object({
  kind: z.enum(['imap', 'pop3', 'smtp']),
  host: z.string(),
  port: z.int(),
  security,
  username: z.string(),
})
export type DiscoveredServer = z.infer<typeof discoveredServer>

export const discoverySource = z.enum(['preset', 'autoconfig', 'well-known', 'srv', 'mx', 'guess'])

export const discoveryResult = z
  .object({
    address: z.string(),
    /** Best first. Empty: fill in the form by hand; `guesses` then holds the usual names and ports. */
    candidates: z.array(
      z.object({
        source: discoverySource,
        /** Plain words: where these settings come from. */
        explanation: z.string(),
        providerName: z.string().nullable(),
        incoming: z.array(discoveredServer),
        outgoing: z.array(discoveredServer),
      }),
    ),
    guesses: z.object({ incoming: z.array(discoveredServer), outgoing: z.array(discoveredServer) }),
    /** What the person must know before typing a password. */
    advice: z
      .object({
        kind: z.enum(['app_password', 'no_passwords', 'enable_imap']),
        text: z.string(),
        helpUrl: z.string().nullable(),
      })
      .nullable(),
  })
  .meta({ id: 'DiscoveryResult' })
export type DiscoveryResult = z.infer<typeof discoveryResult>

export const checkStepName = z.enum(['resolve', 'connect', 'tls', 'greeting', 'login', 'list', 'messages'])

/** Sent as one JSON line each while the test runs. */
export const checkEvent = z
  .discriminatedUnion('kind', [
    z.object({
      kind: z.literal('step'),
      server: z.enum(['incoming', 'outgoing']),
      step: checkStepName,
      state: z.enum(['running', 'ok']),
      ms: z.number().nullable(),
      note: z.string().nullable(),
    }),
    z.object({
      kind: z.literal('failed'),
      server: z.enum(['incoming', 'outgoing']),
      step: checkStepName,
      code: z.enum(errorCodes),
      message: z.string(),
      hint: z.string().nullable(),
      serverText: z.string().nullable(),
      /** Present for certificate problems: what the server showed. */
      certificate: z
        .object({
          fingerprint: z.string(),
          subject: z.string(),
          names: z.array(z.string()),
          validFrom: z.string(),
          validTo: z.string(),
          issuer: z.string(),
        })
        .nullable(),
    }),
    z.object({
      kind: z.literal('done'),
      ok: z.boolean(),
      mailboxes: z.int().nullable(),
      newestSubjects: z.array(z.string()),
    }),
  ])
  .meta({ id: 'CheckEvent' })
export type CheckEvent = z.infer<typeof checkEvent>

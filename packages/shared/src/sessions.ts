import { z } from 'zod'
import { listedHost } from './listed-lines.ts'
import { listedAs } from './listed-schema.ts'
import { id, instant } from './wire.ts'

const personName = z.string().trim().min(1).max(100)
/** The name a person signs in with: an address. */
const loginAddress = z.email().max(320)
const newPassword = z.string().min(10, 'has fewer than 10 characters').max(1024)

export const setupState = z.object({ isClaimed: z.boolean(), version: z.string() })
export const setupRequest = z.strictObject({
  code: z.string().min(1).max(128),
  name: personName,
  address: loginAddress,
  password: newPassword,
})

export const signInRequest = z.strictObject({ address: loginAddress, password: z.string().min(1).max(1024) })

export const currentSession = z
  .object({
    user: z.object({ id, name: z.string(), address: z.string(), role: z.enum(['owner', 'member']) }),
    sessionId: id,
    /** To the owner: the relay lets nobody in, and what is to go by it waits. */
    isRelayRefused: z.boolean(),
    settings: z.record(z.string(), z.unknown()),
    version: z.string(),
  })
  .meta({ id: 'CurrentSession' })
export type CurrentSession = z.infer<typeof currentSession>

export const sessionEntry = z
  .object({
    id,
    isCurrent: z.boolean(),
    createdAt: instant,
    lastSeenAt: instant,
    address: z.string(),
    userAgent: z.string(),
  })
  .meta({ id: 'Session' })
export const sessionList = z.object({ sessions: z.array(sessionEntry) })

export const passwordChange = z.strictObject({ current: z.string().min(1).max(1024), next: newPassword })

export const invitation = z
  .object({ id, createdAt: instant, expiresAt: instant, usedAt: instant.nullable(), note: z.string() })
  .meta({ id: 'Invitation' })
export const invitationCreate = z.strictObject({ note: z.string().trim().max(200).default('') })
/** `link` is shown once. */
export const invitationCreated = invitation.extend({ link: z.string() })
export const invitationList = z.object({ invitations: z.array(invitation) })
export const invitationAccept = z.strictObject({
  token: z.string().min(20).max(128),
  name: personName,
  address: loginAddress,
  password: newPassword,
})

export const userEntry = z
  .object({
    id,
    name: z.string(),
    address: z.string(),
    role: z.enum(['owner', 'member']),
    createdAt: instant,
    /** Disconnected ones too: their mail is still here. */
    accounts: z.int(),
  })
  .meta({ id: 'User' })
export const userList = z.object({ users: z.array(userEntry) })

/** What the person chose for the screen; each key is validated by the web app, the server only bounds size. */
export const settingKey = z.string().regex(/^[a-z][a-zA-Z0-9.]{0,63}$/)
const settingValue = z.json()
// Registered as it is: it holds itself, which `.meta()` would name on a copy only.
z.globalRegistry.add(settingValue, { id: 'SettingValue' })
export const settingPatch = z.record(settingKey, settingValue)

const hostLines = z.array(z.string().max(300)).max(100)
/** The owner's lists: `host:port` entries that may be reached without TLS, or although their address is private. */
export const ownerPolicy = z
  .strictObject({ plaintextHosts: hostLines, privateHosts: hostLines })
  .meta({ id: 'OwnerPolicy' })
export type OwnerPolicy = z.infer<typeof ownerPolicy>

const hosts = listedAs(hostLines, { read: listedHost, what: 'no host:port such as mail.example.org:25' })
/** As it may be set: what was stored before lines were looked at is still read. */
export const ownerPolicyPut = z.strictObject({ plaintextHosts: hosts, privateHosts: hosts })

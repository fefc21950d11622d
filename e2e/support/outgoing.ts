import { type ScriptedSmtp, type SmtpScript, startScriptedSmtp } from '../../apps/api/test/support/scripted-smtp.ts'
import { mailPassword, type Screen } from './screen.ts'

/** A server that the account of a screen sends with, and what arrives there. `script` may change while it runs. */
export type Outgoing = ScriptedSmtp & { script: SmtpScript; accountId: string }

export const startOutgoing = async ({ api }: Pick<Screen, 'api'>): Promise<Outgoing> => {
  const given: { script: SmtpScript } = { script: () => undefined }
  const smtp = await startScriptedSmtp((...step) => given.script(...step))
  const policy = await (await api('GET', '/v1/owner/policy')).json()
  await api('PUT', '/v1/owner/policy', { ...policy, plaintextHosts: [`localhost:${smtp.port}`] })
  const { accounts } = await (await api('GET', '/v1/accounts')).json()
  const accountId: string = accounts[0].id
  const outgoing = { host: 'localhost', port: smtp.port, security: 'plain', username: 'robin' }
  await api('PATCH', `/v1/accounts/${accountId}`, { outgoing, password: mailPassword })
  return Object.assign(given, { ...smtp, accountId })
}

/** The last mail with this subject, as it was sent. */
export const sentMail = ({ mails }: Pick<ScriptedSmtp, 'mails'>, subject: string): string | undefined =>
  mails.findLast(({ octets }) => octets.includes(`Subject: ${subject}`))?.octets.toString('latin1')

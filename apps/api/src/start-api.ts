import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { FastifyInstance } from 'fastify'
import { renewSetupCode } from '#auth/setup-code.ts'
import { AppError } from '#platform/errors.ts'
import type { Logger } from '#platform/logger.ts'
import { defaultMasterKeyPath, deriveKey, openMasterKey } from '#platform/secret-box.ts'
import { readAuthorities } from '#platform/trust.ts'
import { openStore } from '#store/open-store.ts'
import { buildApp } from './app.ts'
import type { Config } from './config.ts'

export type ApiRole = { greeting: string; port: number; stop: () => Promise<void> }
type ApiStart = { config: Config; databaseUrl: string; root: string; logger: Logger }

/** The API role of a process: listens, and says where. */
export const startApi = async ({ config, databaseUrl, root, logger }: ApiStart): Promise<ApiRole> => {
  const masterKey = openMasterKey(config.masterKeyFile ?? defaultMasterKeyPath(config.dataDir))
  const ca = await readAuthorities(config.caFile)
  const version = (JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { version: string }).version // our own file
  const store = await openStore({ databaseUrl, poolSize: 16 })
  const app = await buildApp({
    store,
    logger,
    masterKey,
    // Addresses on pages that are open outlive a restart, and hold on every node.
    signingKey: deriveKey(masterKey, 'signed addresses'),
    publicUrl: config.publicUrl,
    trustProxy: config.trustProxy,
    ca,
    webDir: join(root, 'apps/web/out'),
    version,
    metricsToken: config.metricsToken ?? undefined,
  })
  await listen(app, config)
  const address = app.server.address()
  const port = typeof address === 'object' && address ? address.port : config.port
  const code = await renewSetupCode(store)
  return {
    port,
    greeting: greet(config, port, code),
    stop: async () => {
      await app.close()
      await store.close()
    },
  }
}

const listen = async (app: FastifyInstance, { host, port }: Config): Promise<void> => {
  try {
    await app.listen({ host, port })
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException // Node's listen rejects with nothing else
    if (code === 'EADDRINUSE')
      throw new AppError('config.invalid', `Port ${port} is taken by another program.`, {
        hint: `Stop that program, or choose another port: PORT=${port + 1} npm start`,
        cause,
      })
    if (code === 'EACCES')
      throw new AppError('config.invalid', `This user may not listen on port ${port}.`, {
        hint: 'Choose a PORT from 1024 on and put a reverse proxy in front.',
        cause,
      })
    if (code === 'EADDRNOTAVAIL' || code === 'ENOTFOUND')
      throw new AppError('config.invalid', `This machine has no address ${host}.`, {
        hint: 'Set HOST to one of its own addresses, to 0.0.0.0 for all of them, or leave it empty.',
        cause,
      })
    throw cause
  }
}

const greet = (config: Config, port: number, code: string | null): string => {
  const host =
    config.host === '0.0.0.0' || config.host === '::'
      ? 'localhost'
      : config.host.includes(':')
        ? `[${config.host}]`
        : config.host
  const base = config.publicUrl?.origin ?? `http://${host}:${port}`
  if (code === null) return `Postern is ready: ${base}/`
  return `Postern is ready. Nobody owns it yet: open this address once to become its owner.\n\n  ${base}/setup#code=${code}\n`
}

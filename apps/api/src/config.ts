import { homedir } from 'node:os'
import { resolve } from 'node:path'
import { z } from 'zod'
import { AppError } from '#platform/errors.ts'

/** Environment variables, parsed once before anything else. A fault stops the start and names the variable, never its value. */
const role = z.enum(['api', 'engine'])

const environment = z.object({
  HOST: z.string().min(1).default('127.0.0.1'),
  PORT: z.coerce.number().int().min(0).max(65_535).default(3000),
  DATA_DIR: z.string().min(1).default('./data'),
  DATABASE_URL: z
    .string()
    .regex(/^(postgres(ql)?:\/\/.+)?$/)
    .default(''),
  ROLES: z
    .string()
    .default('api,engine')
    .transform((text) => text.split(',').map((item) => item.trim()))
    .pipe(z.array(role).min(1)),
  PUBLIC_URL: z.union([z.literal(''), z.url({ protocol: /^https?$/ })]).default(''),
  /** Addresses of reverse proxies whose X-Forwarded-* count: IPs, networks, or `loopback`. */
  TRUST_PROXY: z
    .string()
    .regex(/^[0-9a-fA-F.:/, a-z]*$/)
    .default(''),
  MASTER_KEY_FILE: z.string().default(''),
  /** Extra certificate authorities for mail servers, PEM. */
  CA_FILE: z.string().default(''),
  /** Who sends it as a bearer may read /metrics. */
  METRICS_TOKEN: z
    .string()
    .regex(/^(\S{16,})?$/)
    .default(''),
  LOG_LEVEL: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
})

export type Config = {
  host: string
  port: number
  dataDir: string
  /** Empty: the built-in database. */
  databaseUrl: string
  roles: z.infer<typeof role>[]
  /** Where people reach Postern from outside; null: only by loopback names. */
  publicUrl: URL | null
  trustProxy: string[]
  /** Null: the default place outside `dataDir`, see platform/secret-box.ts. */
  masterKeyFile: string | null
  caFile: string | null
  /** Null: no metrics are served. */
  metricsToken: string | null
  logLevel: 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent'
}

const wanted: Record<string, string> = {
  HOST: 'an address to listen on, such as 127.0.0.1',
  PORT: 'a number from 0 to 65535',
  DATA_DIR: 'a directory',
  DATABASE_URL: 'postgresql://... or empty',
  ROLES: 'api, engine or both, separated by a comma',
  PUBLIC_URL: 'an http or https address, or empty',
  TRUST_PROXY: 'addresses or networks separated by commas',
  METRICS_TOKEN: 'at least 16 characters without spaces, or empty',
  LOG_LEVEL: 'fatal, error, warn, info, debug or silent',
}

/** Throws config.invalid that names every faulty variable. */
export const parseConfig = (env: Record<string, string | undefined>): Config => {
  // An empty variable counts as not set, as compose files write it.
  const given = Object.fromEntries(Object.entries(env).filter(([, value]) => value !== undefined && value !== ''))
  const parsed = environment.safeParse(given)
  if (!parsed.success) {
    const names = [...new Set(parsed.error.issues.map((issue) => String(issue.path[0])))]
    throw new AppError('config.invalid', `These settings are not right: ${names.join(', ')}.`, {
      hint: names.map((name) => `${name} must be ${wanted[name] ?? 'set rightly'}`).join('; '),
    })
  }
  const { data } = parsed
  const fromHome = (path: string) => resolve(path.replace(/^~(?=\/|$)/, homedir()))
  return {
    host: data.HOST,
    port: data.PORT,
    dataDir: fromHome(data.DATA_DIR),
    databaseUrl: data.DATABASE_URL,
    roles: data.ROLES,
    publicUrl: data.PUBLIC_URL === '' ? null : new URL(data.PUBLIC_URL),
    trustProxy: data.TRUST_PROXY.split(',')
      .map((item) => item.trim())
      .filter((item) => item !== ''),
    masterKeyFile: data.MASTER_KEY_FILE === '' ? null : fromHome(data.MASTER_KEY_FILE),
    caFile: data.CA_FILE === '' ? null : fromHome(data.CA_FILE),
    metricsToken: data.METRICS_TOKEN === '' ? null : data.METRICS_TOKEN,
    logLevel: data.LOG_LEVEL,
  }
}

import { readdirSync, readFileSync } from 'node:fs'
import { join, relative } from 'node:path'
import { describe, expect, it } from 'vitest'

/**
 * The import table of ARCHITECTURE.md, held by a test. A folder may import itself, what is listed, and the libraries
 * it owns; nobody else may import an owned library.
 */
const apiSrc = 'apps/api/src'
const mayImport: Record<string, string[]> = {
  platform: [],
  mail: ['platform/errors.ts'],
  events: [],
  store: ['platform', 'mail', 'events'],
  protocol: ['platform', 'mail'],
  auth: ['store', 'platform'],
  sync: ['protocol', 'store', 'mail', 'events', 'platform'],
  outbox: ['protocol', 'store', 'mail', 'events', 'platform'],
  engine: ['sync', 'outbox', 'protocol', 'store', 'events', 'mail', 'platform'],
  realtime: ['auth', 'store', 'events', 'platform'],
  features: ['engine/engine.ts', 'outbox/outbox.ts', 'auth', 'store', 'mail', 'events', 'platform'],
}
const owners: Record<string, string[]> = {
  pino: ['platform'],
  // CRAM-MD5 is a keyed digest over what the server says.
  'node:crypto': ['platform', 'auth', 'store', 'mail', 'protocol/pop3/mechanisms.ts'],
  'node:net': ['platform', 'store/embedded-postgres.ts', 'protocol'],
  'node:tls': ['platform', 'protocol'],
  'node:dns': ['platform'],
  'node:dns/promises': ['platform'],
  mailauth: ['mail'],
  mailparser: ['mail'],
  imapflow: ['protocol'],
  // The connection there, the composer here.
  nodemailer: ['protocol', 'mail/compose-message.ts'],
  pg: ['store'],
  '@prisma/client': ['store'],
  '@prisma/adapter-pg': ['store'],
  'socket.io': ['realtime'],
  '@node-rs/argon2': ['auth'],
}
const compositionRoots = [
  'app.ts',
  'main.ts',
  'config.ts',
  'start-',
  'web-pages.ts',
  'health-pages.ts',
  'openapi.ts',
  'cli/',
]

type Import = { file: string; target: string }

const sources = (dir: string): string[] =>
  readdirSync(dir, { withFileTypes: true }).flatMap((entry) => {
    if (entry.name === 'generated' || entry.name === 'node_modules') return []
    const path = join(dir, entry.name)
    if (entry.isDirectory()) return sources(path)
    return /\.tsx?$/.test(entry.name) && !/\.test\.tsx?$/.test(entry.name) ? [path] : []
  })

const importsOf = (path: string): string[] =>
  [
    ...readFileSync(path, 'utf8').matchAll(
      /^\s*(?:import|export)\b[^'"]*?from\s+['"]([^'"]+)['"]|import\(\s*['"]([^'"]+)['"]\s*\)|^\s*import\s+['"]([^'"]+)['"]/gm,
    ),
  ].map((match) => match[1] ?? match[2] ?? match[3] ?? '')

/** Where an import points, as a path below apps/api/src, or the name of a package. */
const resolveApi = (file: string, specifier: string): string => {
  if (specifier.startsWith('#')) return specifier.slice(1)
  if (specifier.startsWith('.')) return relative(apiSrc, join(file, '..', specifier))
  return specifier
}

const apiImports = (): Import[] =>
  sources(apiSrc).flatMap((file) =>
    importsOf(file).map((specifier) => ({ file: relative(apiSrc, file), target: resolveApi(file, specifier) })),
  )

const isRoot = (file: string) => compositionRoots.some((root) => file.startsWith(root))

describe('the import table', () => {
  it('lets api folders import only from rows above their own', () => {
    const breaches = apiImports().filter(({ file, target }) => {
      const folder = file.split('/')[0] ?? ''
      const top = target.split('/')[0] ?? ''
      if (isRoot(file) || !(top in mayImport) || top === folder) return false
      return !(mayImport[folder] ?? []).some((allowed) => target === allowed || target.startsWith(`${allowed}/`))
    })
    expect(breaches).toEqual([])
  })

  it('keeps features apart from each other', () => {
    const feature = (path: string) => path.split('/')[1]
    const breaches = apiImports().filter(
      ({ file, target }) =>
        file.startsWith('features/') &&
        target.startsWith('features/') &&
        feature(file) !== feature(target) &&
        !/^features\/[^/]+\.ts$/.test(target),
    )
    expect(breaches).toEqual([])
  })

  it('lets only the owners import the big libraries', () => {
    const breaches = apiImports().filter(({ file, target }) => {
      const owned = owners[target]
      return owned !== undefined && !isRoot(file) && !owned.some((owner) => file.startsWith(owner))
    })
    expect(breaches).toEqual([])
  })

  it('has no circles between files', () => {
    const graph = new Map<string, string[]>()
    for (const { file, target } of apiImports()) graph.set(file, [...(graph.get(file) ?? []), target])
    const done = new Set<string>()
    const circles: string[] = []
    const walk = (file: string, path: string[]) => {
      if (path.includes(file)) circles.push([...path.slice(path.indexOf(file)), file].join(' -> '))
      if (done.has(file) || path.includes(file)) return
      for (const target of graph.get(file) ?? []) walk(target, [...path, file])
      done.add(file)
    }
    for (const file of graph.keys()) walk(file, [])
    expect(circles).toEqual([])
  })

  it('keeps the web app flowing pages -> screen -> features -> data -> ui, lib', () => {
    const webSrc = 'apps/web/src'
    const ranks = ['lib', 'ui', 'data', 'features', 'screen', 'pages']
    const breaches = sources(webSrc).flatMap((path) => {
      const file = relative(webSrc, path)
      const [folder = '', feature] = file.split('/')
      return importsOf(path).flatMap((specifier) => {
        const target = specifier.startsWith('#')
          ? specifier.slice(1)
          : specifier.startsWith('.')
            ? relative(webSrc, join(path, '..', specifier))
            : ''
        const [top = '', otherFeature] = target.split('/')
        if (!ranks.includes(top)) return []
        const isUp = ranks.indexOf(top) > ranks.indexOf(folder)
        const isSideways = folder === 'features' && top === 'features' && feature !== otherFeature
        return isUp || isSideways ? [`${file} imports ${target}`] : []
      })
    })
    expect(breaches).toEqual([])
  })
})

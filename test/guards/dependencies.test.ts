import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { z } from 'zod'

const packageFile = z.object({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
})
const files = ['package.json', 'apps/api/package.json', 'apps/web/package.json', 'packages/shared/package.json']
const declared = files.flatMap((file) => {
  const parsed = packageFile.parse(JSON.parse(readFileSync(file, 'utf8')))
  return Object.entries({ ...parsed.dependencies, ...parsed.devDependencies }).map(([name, version]) => ({
    file,
    name,
    version,
  }))
})
const lock = z
  .object({
    packages: z.record(z.string(), z.object({ version: z.string().optional(), resolved: z.string().optional() })),
  })
  .parse(JSON.parse(readFileSync('package-lock.json', 'utf8')))

/** The oldest version without a published hole, as known on 2026-11-23. The registry's audit cannot be asked offline. */
const floors: Record<string, string> = {
  imapflow: '1.6.4',
  nodemailer: '9.1.1',
  mailparser: '3.9.15',
  'engine.io': '6.6.7',
  'socket.io-parser': '4.2.7',
  fastify: '5.8.3',
  '@fastify/static': '10.1.3',
  next: '16.2.11',
  dompurify: '3.4.6',
}
const isAtLeast = (version: string, floor: string): boolean => {
  const [a, b] = [version, floor].map((text) => text.split(/[.-]/).slice(0, 3).map(Number))
  for (let i = 0; i < 3; i++) if (a?.[i] !== b?.[i]) return (a?.[i] ?? 0) > (b?.[i] ?? 0)
  return true
}

describe('the dependencies', () => {
  it('are pinned exactly', () => {
    expect(declared.filter(({ version }) => !/^\d+\.\d+\.\d+(-[\w.]+)?$/.test(version))).toEqual([])
  })

  it('are named in one version everywhere', () => {
    const versions = new Map<string, Set<string>>()
    for (const { name, version } of declared) versions.set(name, (versions.get(name) ?? new Set()).add(version))
    expect([...versions].filter(([, set]) => set.size > 1).map(([name]) => name)).toEqual([])
  })

  it('stand above the versions with known holes', () => {
    const installed = Object.entries(lock.packages).map(([path, entry]) => ({
      name: path.replace(/^.*node_modules\//, ''),
      version: entry.version ?? '0.0.0',
    }))
    const tooOld = installed.filter(
      ({ name, version }) => floors[name] !== undefined && !isAtLeast(version, floors[name]),
    )
    expect(tooOld).toEqual([])
    expect(Object.keys(floors).filter((name) => !installed.some((entry) => entry.name === name))).toEqual([])
  })

  it('leave no download addresses in the lock file', () => {
    expect(Object.values(lock.packages).filter((entry) => entry.resolved?.startsWith('http'))).toEqual([])
  })
})

import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'

const stages = readFileSync('Dockerfile', 'utf8')
  .split(/^(?=FROM )/m)
  .slice(1)
const last = stages.at(-1) ?? ''
const compose = readFileSync('docker-compose.yml', 'utf8')
const services = (/^services:\n([\s\S]*?)^volumes:/m.exec(compose)?.[1] ?? '')
  .split(/^(?= {2}\w+:$)/m)
  .filter((text) => /^ {2}\w/.test(text))

/** `npm run containers` proves them; this only keeps what must not be lost by accident. */
describe('the container files', () => {
  it('run Postern without root, with a health check and without what only builds', () => {
    expect(stages.length).toBeGreaterThan(1)
    expect(last).toMatch(/^USER [1-9]\d*:[1-9]\d*$/m)
    expect(last).toMatch(/^HEALTHCHECK /m)
    expect(last).not.toMatch(/npm (ci|install)/)
    expect(stages.join('')).toContain('npm ci --omit=dev')
    expect(last.indexOf('USER ')).toBeGreaterThan(last.lastIndexOf('COPY '))
  })

  it('keep the master key outside the data, each in a volume of its own', () => {
    const [, data = ''] = /DATA_DIR=(\S+)/.exec(last) ?? []
    const [, key = ''] = /MASTER_KEY_FILE=(\S+)/.exec(last) ?? []
    expect(key.startsWith(`${data}/`)).toBe(false)
    const mounts = [...compose.matchAll(/^ {6}- \w+:(\/\S+)$/gm)].map(([, path]) => path)
    expect(mounts).toEqual(expect.arrayContaining([data, key.replace(/\/[^/]+$/, '')]))
  })

  it('have a database with a health check that Postern waits for, and no port open to the outside', () => {
    expect(services).toHaveLength(2)
    expect(services[0]).toMatch(/healthcheck:/)
    expect(services[1]).toMatch(/condition: service_healthy/)
    expect(services.join('')).toContain('no-new-privileges:true')
    const ports = [...compose.matchAll(/^ {6}- "(.*:\d+)"$/gm)].map(([, port]) => port ?? '')
    expect(ports).toHaveLength(1)
    expect(ports.filter((port) => !port.startsWith('127.0.0.1:'))).toEqual([])
  })
})

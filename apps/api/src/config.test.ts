import { describe, expect, it } from 'vitest'
import { isAppError } from '#platform/errors.ts'
import { parseConfig } from './config.ts'

describe('the configuration', () => {
  it('has safe defaults: loopback only, the built-in database, both roles', () => {
    expect(parseConfig({ PATH: '/bin' })).toMatchObject({
      host: '127.0.0.1',
      port: 3000,
      databaseUrl: '',
      roles: ['api', 'engine'],
      publicUrl: null,
      trustProxy: [],
    })
  })

  it('names every faulty variable and never shows its value', () => {
    const act = () =>
      parseConfig({ PORT: 'hunter2', DATABASE_URL: 'mysql://secret', ROLES: 'api,boss', METRICS_TOKEN: 'short' })
    expect(act).toThrow(/PORT, DATABASE_URL, ROLES, METRICS_TOKEN/)
    try {
      act()
    } catch (error) {
      const text = isAppError(error) ? JSON.stringify(error.toBody()) : ''
      expect(text).toContain('PORT must be')
      expect(text).not.toMatch(/hunter2|secret|boss|short/)
    }
  })

  it('treats an empty variable as not set', () => {
    expect(parseConfig({ PORT: '', PUBLIC_URL: '', ROLES: '' }).port).toBe(3000)
  })
})

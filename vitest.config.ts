import { defineConfig } from 'vitest/config'

/** Four tiers: pure code, real Postgres, real Dovecot, real Chromium. `npm test` runs them in this order, the last one beside the others. */
const tier = (name: string, include: string[], more: Record<string, unknown> = {}) => ({
  test: { name, include, environment: 'node', testTimeout: 20_000, hookTimeout: 60_000, ...more },
})

export default defineConfig({
  test: {
    projects: [
      tier('unit', [
        'packages/shared/src/**/*.test.ts',
        'apps/api/src/**/*.test.ts',
        'apps/web/src/**/*.test.ts',
        'test/guards/**/*.test.ts',
      ]),
      tier('flow', ['apps/api/test/flow/**/*.test.ts'], {
        globalSetup: ['apps/api/test/support/postgres-setup.ts'],
        testTimeout: 60_000,
      }),
      tier('live', ['apps/api/test/live/**/*.test.ts'], {
        globalSetup: ['apps/api/test/support/postgres-setup.ts', 'apps/api/test/support/dovecot-setup.ts'],
        testTimeout: 60_000,
        hookTimeout: 120_000,
      }),
      tier('browser', ['e2e/**/*.test.ts'], {
        globalSetup: ['apps/api/test/support/postgres-setup.ts', 'apps/api/test/support/dovecot-setup.ts'],
        setupFiles: ['e2e/support/tell-failure.ts'],
        testTimeout: 120_000,
        hookTimeout: 180_000,
        fileParallelism: false,
      }),
    ],
  },
})

import pg from 'pg'

/**
 * A pool whose connections may break at any time: the statement that runs into it says so, and an idle one is replaced.
 * A connection also emits its end while somebody has it in hand; without a listener that would end the process.
 */
export const openPool = (config: pg.PoolConfig): pg.Pool => {
  const pool = new pg.Pool({ connectionTimeoutMillis: 10_000, ...config })
  pool.on('error', () => undefined)
  pool.on('connect', (client) => client.on('error', () => undefined))
  return pool
}

import { existsSync } from 'node:fs'
import { statfs } from 'node:fs/promises'
import pg from 'pg'
import { AppError } from '#platform/errors.ts'

/**
 * Keeps the database from running into a full disk: PostgreSQL ends when its log finds no room, and then not even reading
 * works. Below the reserve writes are refused here, before they reach it. Only a server on this machine that tells us
 * where its data lies can be watched; at others its own refusal has to do (store-error.ts).
 */
const reserveBytes = 128 * 1024 * 1024
const lookEveryMs = 1000

/** Throws storage.full. */
export type RequireRoom = () => Promise<void>

export const watchRoom = async (databaseUrl: string): Promise<RequireRoom> => {
  const dir = await findDataDirectory(databaseUrl)
  if (dir === null) return async () => undefined
  let lookedAt = Number.NEGATIVE_INFINITY
  let isFull = false
  return async () => {
    if (performance.now() - lookedAt > lookEveryMs) {
      lookedAt = performance.now()
      const { bavail, bsize } = await statfs(dir)
      isFull = bavail * bsize < reserveBytes
    }
    if (isFull) throw noRoom()
  }
}

export const noRoom = (cause?: unknown): AppError =>
  new AppError('storage.full', 'There is no room left to store anything new.', {
    hint: 'Free some disk space where Postern keeps its data; reading still works and syncing resumes by itself.',
    cause,
  })

const findDataDirectory = async (databaseUrl: string): Promise<string | null> => {
  if (!/^(127\.|localhost$|\[::1\]$)/.test(new URL(databaseUrl).hostname)) return null
  const client = new pg.Client({ connectionString: databaseUrl, application_name: 'postern-room' })
  client.on('error', () => undefined)
  try {
    await client.connect()
    // Null for roles that may not know.
    const { rows } = await client.query<{ dir: string | null }>(
      `SELECT CASE WHEN pg_has_role('pg_read_all_settings', 'USAGE') THEN current_setting('data_directory') END AS dir`,
    )
    const dir = rows[0]?.dir ?? null
    return dir !== null && existsSync(dir) ? dir : null
  } finally {
    await client.end().catch(() => undefined)
  }
}

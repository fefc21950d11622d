import { readFile } from 'node:fs/promises'
import { setPriority } from 'node:os'
import type pg from 'pg'

/**
 * Where the database runs on this machine, the server process behind a connection gives way to others, as the process at
 * this end does. The title of that process names the port we call from: proof that its number means the same process here
 * and not one of another machine or container. Elsewhere, and where the system does not let us, all are equal.
 */
export const giveWay = async (client: pg.ClientBase, niceness: number): Promise<void> => {
  try {
    const { rows } = await client.query<{ pid: number; port: number | null }>(
      'SELECT pg_backend_pid() AS pid, inet_client_port() AS port',
    )
    const [own] = rows
    if (!own || own.port === null) return
    const title = await readFile(`/proc/${own.pid}/cmdline`, 'utf8')
    if (title.startsWith('postgres: ') && title.includes(`(${own.port})`)) setPriority(own.pid, niceness)
  } catch {
    // No such process here, no /proc, or not ours to change.
  }
}

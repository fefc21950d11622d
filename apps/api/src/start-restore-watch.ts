import { access, constants, mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import type { Logger } from '#platform/logger.ts'
import type { Store } from '#store/open-store.ts'
import { type MarkPlace, renewMark } from '#store/restore-mark.ts'

/** A backup is at least so old, or younger than anything that was removed since. */
const renewEveryMs = 5 * 60_000

/**
 * Looks at the start whether the database is as it was left, and goes on marking both sides, so that any backup is older
 * than what lies beside the key. Answers how to end, with a last mark. Throws what `renewMark` does, at the start only.
 */
export const startRestoreWatch = async (
  store: Store,
  { logger, keyPath, dataDir }: { logger: Logger; keyPath: string; dataDir: string },
): Promise<{ stop: () => Promise<void> }> => {
  const place = await choosePlace(keyPath, dataDir)
  if (!place) {
    logger.warn('no file can be kept beside the key or the data: a restored backup will not be noticed')
    return { stop: async () => undefined }
  }
  const renew = async () => {
    const { plan, held, fault } = await renewMark(store, place)
    if (fault !== null) logger.warn({ err: fault }, 'the mark against restored backups was not renewed')
    if (held > 0)
      logger.warn(
        { reason: plan.reason, accounts: held },
        'the database is not as it was left here: nothing is removed at POP3 providers until their person says so',
      )
  }
  const renewLater = () =>
    renew().catch((error: unknown) => logger.warn({ err: error }, 'nobody could look for a restored backup'))
  await renew()
  const timer = setInterval(renewLater, renewEveryMs)
  return {
    stop: async () => {
      clearInterval(timer)
      await renewLater()
    },
  }
}

/** Beside the master key; where that comes anew with every start, as a secret of a container does, with the data. */
const choosePlace = async (keyPath: string, dataDir: string): Promise<MarkPlace | null> => {
  const beside = dirname(keyPath)
  const name = basename(keyPath).replace(/\.key$/, '')
  if (!beside.startsWith('/run/') && (await isWritable(beside))) return { directory: beside, name }
  await mkdir(dataDir, { recursive: true }).catch(() => undefined)
  return (await isWritable(dataDir)) ? { directory: dataDir, name } : null
}

const isWritable = (directory: string): Promise<boolean> =>
  access(directory, constants.W_OK).then(
    () => true,
    () => false,
  )

import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'
import { dirname } from 'node:path'
import { z } from 'zod'

/**
 * What this place knows of a database (store/restore-mark.ts), as one small file that is written over in place: it keeps
 * its inode and the time of its birth, so a copy of it is not the same file. A block of this size is written whole or not
 * at all; what cannot be read counts as not there.
 */
const blockBytes = 512

const content = z.object({
  place: z.uuid(),
  /** The token the database had last, null before it had one; and the one it is about to get. Either may be there. */
  token: z.uuid().nullable(),
  next: z.uuid().nullable(),
  /** Of the file itself: whoever copied it has one that was born later. */
  born: z.string().max(80),
})
export type Mark = Omit<z.infer<typeof content>, 'born'>

/** `isInPlace`: this is the very file that was written, not a copy of it. Null when there is none. */
export const readMark = async (path: string): Promise<(Mark & { isInPlace: boolean }) | null> => {
  const file = await openIfThere(path)
  if (!file) return null
  try {
    const { buffer, bytesRead } = await file.read(Buffer.alloc(blockBytes), 0, blockBytes, 0)
    const read = content.safeParse(parse(buffer.toString('utf8', 0, bytesRead)))
    if (!read.success) return null
    const { born, ...mark } = read.data
    return { ...mark, isInPlace: isSameBirth(born, await birthOf(file)) }
  } finally {
    await file.close()
  }
}

/** On disk when it resolves. */
export const writeMark = async (path: string, mark: Mark): Promise<void> => {
  const file = await open(path, constants.O_RDWR | constants.O_CREAT, 0o600)
  try {
    const text = JSON.stringify({ ...mark, born: await birthOf(file) })
    await file.write(Buffer.from(`${text.padEnd(blockBytes - 1)}\n`), 0, blockBytes, 0)
    await file.sync()
  } finally {
    await file.close()
  }
  await syncDirectory(dirname(path))
}

/** So that a new file is found again; some systems know no such thing. */
const syncDirectory = async (path: string): Promise<void> => {
  const directory = await open(path, constants.O_RDONLY).catch(() => null)
  await directory?.sync().catch(() => undefined)
  await directory?.close()
}

const openIfThere = async (path: string): Promise<FileHandle | null> => {
  try {
    return await open(path, constants.O_RDONLY)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null // Node's open rejects with nothing else
    throw error
  }
}

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const birthOf = async (file: FileHandle): Promise<string> => {
  const { birthtimeNs, ino } = await file.stat({ bigint: true })
  return `${birthtimeNs}/${ino}`
}

/** By the time of birth; some file systems keep none, and some that are mounted from elsewhere number files anew. */
const isSameBirth = (written: string, now: string): boolean => {
  const [at = '0', ino] = written.split('/')
  const [nowAt = '0', nowIno] = now.split('/')
  return at === '0' || nowAt === '0' ? ino === nowIno : at === nowAt
}

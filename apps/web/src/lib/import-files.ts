/** A file with its place below the folder that was chosen; alone its name. */
export type ImportFile = { file: File; path: string }

/** Files that go into one mailbox: the one that was asked for, or one by these names below it. */
export type ImportFolder<Chosen = ImportFile> = { names: string[]; files: Chosen[] }

/**
 * Of what was chosen, what may hold mail. Of a Maildir only the mails in `cur` and `new`: what lies in `tmp` is not whole. Folders
 * inside it that begin with a dot are mailboxes of their own, and the dots in their names are levels (Maildir++). Other hidden files
 * are left out.
 */
export const chooseFiles = <Chosen extends { path: string }>(chosen: Chosen[]): ImportFolder<Chosen>[] => {
  const folders = new Map<string, ImportFolder<Chosen>>()
  for (const one of chosen) {
    const [, folder = ''] = mailOfMaildir.exec(one.path) ?? [undefined, null]
    if (folder === null) continue
    const known = folders.get(folder) ?? { names: folder.split('.').filter(Boolean).map(readableName), files: [] }
    known.files.push(one)
    folders.set(folder, known)
  }
  if (folders.size > 0) return [...folders.values()].sort((a, b) => a.names.length - b.names.length)
  const files = chosen.filter(({ path }) => !/(^|\/)(\.|tmp\/)/.test(path))
  return files.length > 0 ? [{ names: [], files }] : []
}

const mailOfMaildir = /^(?:[^/.][^/]*\/)?(?:(\.[^/]+)\/)?(?:cur|new)\/[^/.][^/]*$/

/** Names on disk are in IMAP's modified UTF-7 (RFC 3501 5.1.3), or in UTF-8. */
const readableName = (name: string): string =>
  name
    .replace(/&([A-Za-z0-9+,]*)-/g, (written, code: string) => (code === '' ? '&' : (fromUtf7(code) ?? written)))
    .replaceAll('/', '-')
    .slice(0, 100)

const fromUtf7 = (code: string): string | null => {
  try {
    const bytes = Uint8Array.from(atob(code.replaceAll(',', '/')), (character) => character.charCodeAt(0))
    return new TextDecoder('utf-16be', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** What was dropped, with everything in folders. Has to be called while the drop is handled. */
export const readDropped = async (items: DataTransferItemList): Promise<ImportFile[]> => {
  const entries = [...items].flatMap((item) => item.webkitGetAsEntry() ?? [])
  return (await Promise.all(entries.map((entry) => readEntry(entry, '')))).flat()
}

const readEntry = async (entry: FileSystemEntry, above: string): Promise<ImportFile[]> => {
  const path = above + entry.name
  if (isFile(entry)) {
    const file = await new Promise<File>((done, fail) => entry.file(done, fail))
    return [{ file, path }]
  }
  if (!isFolder(entry)) return []
  const reader = entry.createReader()
  const found: ImportFile[] = []
  for (;;) {
    // It gives a hundred at a time, and none at the end.
    const some = await new Promise<FileSystemEntry[]>((done, fail) => reader.readEntries(done, fail))
    if (some.length === 0) return found
    for (const one of some) found.push(...(await readEntry(one, `${path}/`)))
  }
}

const isFile = (entry: FileSystemEntry): entry is FileSystemFileEntry => entry.isFile
const isFolder = (entry: FileSystemEntry): entry is FileSystemDirectoryEntry => entry.isDirectory

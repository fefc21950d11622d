/** A file with its place below the folder that was chosen; alone its name. */
export type ImportFile = { file: File; path: string }

/**
 * Of what was chosen, what may hold mail. Of a Maildir only the mails in its own `cur` and `new`: what lies in `tmp` is not
 * whole, and folders inside it are mailboxes of their own. Hidden files are left out.
 */
export const chooseFiles = <Chosen extends { path: string }>(chosen: Chosen[]): Chosen[] => {
  const isMailOfMaildir = ({ path }: Chosen) => /^([^/]+\/)?(cur|new)\/[^/.][^/]*$/.test(path)
  return chosen.some(isMailOfMaildir)
    ? chosen.filter(isMailOfMaildir)
    : chosen.filter(({ path }) => !/(^|\/)(\.|tmp\/)/.test(path))
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

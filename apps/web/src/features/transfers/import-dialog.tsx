import { useRef, useState } from 'react'
import { startImport } from '#data/transfers.ts'
import { fileSize } from '#lib/format.ts'
import { chooseFiles, type ImportFile, type ImportFolder, readDropped } from '#lib/import-files.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { TransferDialog, type TransferQuestion } from './transfer-dialog.tsx'

/** Asks which files to import. */
export const ImportDialog = ({ mailbox, ...given }: TransferQuestion) => {
  const [folders, setFolders] = useState<ImportFolder[] | null>(null)
  const [isOver, setOver] = useState(false)
  const plain = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const choose = (chosen: ImportFile[]) => setFolders(chooseFiles(chosen))
  const onInput = (list: FileList | null) =>
    choose([...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })))
  return (
    <TransferDialog
      {...given}
      title={t('import.title', { name: pathOf(mailbox) })}
      action={t('import.start')}
      isReady={Boolean(folders?.length)}
      begin={() => startImport(mailbox, folders ?? [])}
      begun={
        given.begun && (
          <>
            {given.begun}
            {folders && hasBelow(folders) && <p className="muted">{t('import.others', belowOf(folders))}</p>}
          </>
        )
      }
    >
      <p>{t('import.text')}</p>
      {/* biome-ignore lint/a11y/noStaticElementInteractions: dropping is one more way; the buttons do the same */}
      <div
        className={isOver ? 'drop-files over' : 'drop-files'}
        onDragOver={(event) => {
          event.preventDefault()
          setOver(true)
        }}
        onDragLeave={() => setOver(false)}
        onDrop={(event) => {
          event.preventDefault()
          setOver(false)
          void readDropped(event.dataTransfer.items).then(choose)
        }}
      >
        <div className="row">
          <button type="button" className="button" onClick={() => plain.current?.click()}>
            {t('import.files')}
          </button>
          <button
            type="button"
            className="button"
            onClick={() => {
              if (!folder.current) return
              folder.current.webkitdirectory = true
              folder.current.click()
            }}
          >
            {t('import.folder')}
          </button>
        </div>
        <p className="muted">{t('import.drop')}</p>
        <p role="status">{folders && chosenText(folders)}</p>
        <input hidden type="file" multiple ref={plain} onChange={({ target }) => onInput(target.files)} />
        <input hidden type="file" ref={folder} onChange={({ target }) => onInput(target.files)} />
      </div>
    </TransferDialog>
  )
}

const chosenText = (folders: ImportFolder[]): string => {
  const all = countText(folders.flatMap(({ files }) => files))
  return hasBelow(folders) ? `${all}. ${t('import.below', belowOf(folders))}` : all
}

const isBelow = ({ names }: ImportFolder): boolean => names.length > 0
const hasBelow = (folders: ImportFolder[]): boolean => folders.some(isBelow)
const belowOf = (folders: ImportFolder[]): { n: string; folders: string } => {
  const below = folders.filter(isBelow)
  const n = below.reduce((sum, { files }) => sum + files.length, 0)
  return { n: n.toLocaleString(), folders: below.map(({ names }) => names.join('/')).join(', ') }
}

const countText = (files: ImportFile[]): string => {
  if (files.length === 0) return t('import.nothing')
  const size = fileSize(files.reduce((sum, { file }) => sum + file.size, 0))
  return files.length === 1
    ? t('import.chosen.one', { size })
    : t('import.chosen.other', { n: files.length.toLocaleString(), size })
}

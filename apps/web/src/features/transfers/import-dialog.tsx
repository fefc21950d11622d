import type { Mailbox } from '@postern/shared/mailboxes.ts'
import { type ReactNode, useRef, useState } from 'react'
import { startImport } from '#data/transfers.ts'
import { useAttempt } from '#data/use-attempt.ts'
import { fileSize } from '#lib/format.ts'
import { chooseFiles, type ImportFile, readDropped } from '#lib/import-files.ts'
import { pathOf } from '#lib/mailbox-name.ts'
import { t } from '#lib/page-text.ts'
import { Dialog } from '#ui/dialog.tsx'
import { Problem } from '#ui/problem.tsx'

/** Asks which files to import, and shows how it goes; once begun it goes on when the dialog is closed. */
export const ImportDialog = ({
  mailbox,
  begun,
  onBegun,
  onClose,
}: {
  mailbox: Mailbox
  begun: ReactNode
  onBegun: (id: string) => void
  onClose: () => void
}) => {
  const [files, setFiles] = useState<ImportFile[] | null>(null)
  const [isOver, setOver] = useState(false)
  const { isBusy, problem, attempt } = useAttempt()
  const plain = useRef<HTMLInputElement>(null)
  const folder = useRef<HTMLInputElement>(null)
  const choose = (chosen: ImportFile[]) => setFiles(chooseFiles(chosen))
  const onInput = (list: FileList | null) =>
    choose([...(list ?? [])].map((file) => ({ file, path: file.webkitRelativePath || file.name })))
  const start = () => attempt(async () => onBegun(await startImport(mailbox, files ?? [])))
  return (
    <Dialog title={t('import.title', { name: pathOf(mailbox) })} onClose={onClose}>
      {begun ? (
        begun
      ) : (
        <>
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
            <p role="status">{files && chosenText(files)}</p>
            <input hidden type="file" multiple ref={plain} onChange={({ target }) => onInput(target.files)} />
            <input hidden type="file" ref={folder} onChange={({ target }) => onInput(target.files)} />
          </div>
          <Problem problem={problem} />
        </>
      )}
      <div className="row end">
        <button type="button" className="button" onClick={onClose}>
          {begun ? t('close') : t('cancel')}
        </button>
        {!begun && (
          <button
            type="button"
            className="button primary"
            disabled={isBusy || !files?.length}
            onClick={() => void start()}
          >
            {t('import.start')}
          </button>
        )}
      </div>
    </Dialog>
  )
}

const chosenText = (files: ImportFile[]): string => {
  if (files.length === 0) return t('import.nothing')
  const size = fileSize(files.reduce((sum, { file }) => sum + file.size, 0))
  return files.length === 1
    ? t('import.chosen.one', { size })
    : t('import.chosen.other', { n: files.length.toLocaleString(), size })
}

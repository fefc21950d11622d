import { t } from '#lib/composer-text.ts'
import { Dialog } from '#ui/dialog.tsx'

/** What becomes of pictures in a mail that will show none. */
export const PlainDialog = ({
  onChoose,
  onClose,
}: {
  onChoose: (pictures: 'along' | 'out') => void
  onClose: () => void
}) => (
  <Dialog title={t('compose.plain')} onClose={onClose}>
    <p>{t('compose.plainText')}</p>
    <div className="row end">
      {/* Nothing is lost by the first one, which has the focus. */}
      <button type="button" className="button primary" onClick={() => onChoose('along')}>
        {t('compose.plainAlong')}
      </button>
      <button type="button" className="button" onClick={() => onChoose('out')}>
        {t('compose.plainOut')}
      </button>
      <button type="button" className="button" onClick={onClose}>
        {t('cancel')}
      </button>
    </div>
  </Dialog>
)

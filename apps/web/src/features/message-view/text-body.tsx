import { linkify, splitQuotes } from '#lib/linkify.ts'
import { t } from '#lib/text.ts'

/** A plain text as text nodes: nothing a mail says becomes HTML. Quotes are folded. */
export const TextBody = ({ text }: { text: string }) => (
  <div className="text-body">
    {splitQuotes(text).map((block, index) => {
      const pieces = linkify(block.text).map((piece, at) =>
        piece.kind === 'link' ? (
          // biome-ignore lint/suspicious/noArrayIndexKey: the pieces of a text never change places
          <a key={at} href={piece.href} target="_blank" rel="noopener noreferrer nofollow">
            {piece.text}
          </a>
        ) : (
          piece.text
        ),
      )
      return block.kind === 'quoted' && block.text.length > 120 ? (
        // biome-ignore lint/suspicious/noArrayIndexKey: the blocks of a text never change places
        <details key={index}>
          <summary>{t('view.quoted')}</summary>
          <div className="quoted" dir="auto">
            {pieces}
          </div>
        </details>
      ) : (
        // biome-ignore lint/suspicious/noArrayIndexKey: as above
        <div key={index} dir="auto" className={block.kind === 'quoted' ? 'quoted' : undefined}>
          {pieces}
        </div>
      )
    })}
  </div>
)

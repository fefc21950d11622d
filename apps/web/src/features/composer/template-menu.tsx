import type { Template, TemplateHead } from '@postern/shared/templates.ts'
import { LayoutTemplate } from 'lucide-react'
import { useState } from 'react'
import { explain } from '#data/api.ts'
import { findDraft, patchDraft } from '#data/draft-state.ts'
import { askTemplates, getTemplate, useTemplates } from '#data/templates.ts'
import { showToast } from '#data/toasts.ts'
import { t } from '#lib/composer-text.ts'
import { navigate } from '#lib/route.ts'
import { picturesIn } from '#lib/signature.ts'
import { Menu } from '#ui/menu.tsx'
import { SaveTemplate } from './save-template.tsx'

/** Puts a template into what is written, or makes one of it. */
export const TemplateMenu = ({ draftKey, onPick }: { draftKey: string; onPick: (template: Template) => void }) => {
  const { list, status } = useTemplates()
  const [isSaving, setSaving] = useState(false)
  const put = async ({ id }: TemplateHead) => {
    try {
      const template = await getTemplate(id)
      onPick(template)
      if (findDraft(draftKey)?.content.html === null && picturesIn(template.content.html).data.length > 0)
        showToast({ kind: 'problem', text: t('templates.noPictures') })
    } catch (error) {
      showToast({ kind: 'problem', text: explain(error) })
    }
  }
  const manage = () => {
    const to = '/settings/templates'
    // A window of its own shows nothing but its draft.
    if (location.pathname === '/compose') return void window.open(to, '_blank')
    patchDraft(draftKey, { place: 'minimized', isFocused: false })
    navigate(to)
  }
  return (
    <>
      <Menu
        label={t('templates')}
        icon={<LayoutTemplate size={16} aria-hidden />}
        // What is typed before they are here finds them as well.
        hasFilter={list.length > 0 || status === 'loading'}
        items={[
          ...list.map((one) => ({ id: one.id, label: one.name, onSelect: () => void put(one) })),
          ...(status === 'failed' || status === 'offline'
            ? [{ label: t('templates.again'), isAlways: true, onSelect: askTemplates }]
            : []),
          { label: t('templates.save'), isAlways: true, onSelect: () => setSaving(true) },
          { label: t('templates.manage'), isAlways: true, onSelect: manage },
        ]}
      />
      {isSaving && <SaveTemplate draftKey={draftKey} onClose={() => setSaving(false)} />}
    </>
  )
}

import type { Template, TemplateContent, TemplateHead } from '@postern/shared/templates.ts'
import { useEffect } from 'react'
import { t } from '#lib/composer-text.ts'
import { newId } from '#lib/new-id.ts'
import { call, explain, failureOf } from './api.ts'
import { Observable, useObservable } from './observable.ts'
import type { ListStatus } from './thread-list.ts'
import { showToast } from './toasts.ts'
import { tellDone } from './undo-list.ts'

/** What this person writes again and again, by name; asked for when somebody first looks. */
type State = { list: TemplateHead[]; status: ListStatus; isWanted: boolean }
const nothing: State = { list: [], status: 'loading', isWanted: false }
const state = new Observable<State>(nothing)
/** Of the last question: an older answer never replaces a newer one. */
let asked = 0

export const useTemplates = (): Pick<State, 'list' | 'status'> => {
  useEffect(() => {
    if (!state.get().isWanted) askTemplates()
  }, [])
  const list = useObservable(state, (now) => now.list)
  const status = useObservable(state, (now) => now.status)
  return { list, status }
}

export const askTemplates = (): void => {
  state.set({ isWanted: true })
  const own = ++asked
  call('listTemplates', 'GET', '/v1/templates').then(
    ({ templates }) => own === asked && state.set({ list: templates, status: 'ready' }),
    (error: unknown) => own === asked && state.set({ status: failureOf(error) }),
  )
}

/** Where they were looked at. */
export const refreshTemplates = (): void => {
  if (state.get().isWanted) askTemplates()
}

export const forgetTemplates = (): void => {
  asked++
  state.set(nothing)
}

/** Throws ApiError. */
export const getTemplate = (id: string): Promise<Template> => call('getTemplate', 'GET', `/v1/templates/${id}`)

export type TemplateToSave = { id: string; baseVersion: number; content: TemplateContent }

/** Throws ApiError; request.conflict: somebody changed it meanwhile. */
export const saveTemplate = async ({ id, ...body }: TemplateToSave): Promise<void> => {
  await call('saveTemplate', 'PUT', `/v1/templates/${id}`, { body })
  refreshTemplates()
}

/** Beside it, with a name that says so. Throws ApiError. */
export const copyTemplate = async ({ id }: TemplateHead): Promise<void> => {
  const { content } = await getTemplate(id)
  const name = t('templates.copyOf', { name: content.name.slice(0, 180) })
  await saveTemplate({ id: newId(), baseVersion: 0, content: { ...content, name } })
}

/** With a way back. Throws ApiError. */
export const removeTemplate = async ({ id, name }: Pick<TemplateHead, 'id' | 'name'>): Promise<void> => {
  await call('removeTemplate', 'DELETE', `/v1/templates/${id}`)
  refreshTemplates()
  tellDone(t('templates.removed', { name }), () => {
    call('restoreTemplate', 'POST', `/v1/templates/${id}/restore`).then(refreshTemplates, (error: unknown) =>
      showToast({ kind: 'problem', text: explain(error) }),
    )
  })
}

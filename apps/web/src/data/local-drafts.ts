import type { DraftContent } from '@postern/shared/drafts.ts'
import { app } from './app-state.ts'
import type { OpenDraft } from './draft-state.ts'
import { type Panel, panelsKey } from './open-panels.ts'

/** What the server has not yet, kept in this browser, so that no crash of a tab or a server takes it. */
export type LocalDraft = {
  userId: string
  id: string
  version: number
  content: DraftContent
  /** As in OpenDraft. */
  tried: DraftContent | null
  at: number
}

const prefix = 'draft:'

const ownId = (): string => app.get().session?.user.id ?? ''

/** Answers whether the browser took it: its storage may be full, or closed to us. */
export const keepLocally = ({
  id,
  version,
  content,
  tried,
}: Pick<OpenDraft, 'id' | 'version' | 'content' | 'tried'>): boolean => {
  const kept: LocalDraft = { userId: ownId(), id, version, content, tried, at: Date.now() }
  try {
    localStorage.setItem(`${prefix}${id}`, JSON.stringify(kept))
    return true
  } catch {
    return false // said beside the draft
  }
}

export const forgetLocally = (id: string): void => localStorage.removeItem(`${prefix}${id}`)

/** Those of this person; what cannot be read is none. */
export const readLocally = (): LocalDraft[] =>
  Object.keys(localStorage)
    .filter((key) => key.startsWith(prefix))
    .flatMap((key) => {
      const kept = parse(localStorage.getItem(key))
      return kept && kept.userId === ownId() ? [kept] : []
    })
    .sort((a, b) => a.at - b.at)

const parse = (text: string | null): LocalDraft | null => {
  try {
    const value: unknown = JSON.parse(text ?? '')
    const isKept =
      typeof value === 'object' && value !== null && 'userId' in value && 'content' in value && 'version' in value
    return isKept ? (value as LocalDraft) : null // written by keepLocally only
  } catch {
    return null
  }
}

export const rememberPanels = (list: OpenDraft[]): void => {
  const open = list.filter(
    ({ isClosed, version, content, begun }) => !isClosed && (version > 0 || content !== begun?.content),
  )
  try {
    sessionStorage.setItem(panelsKey, JSON.stringify(open.map(panelOf)))
  } catch {
    // Only the places of the panels: what is written in them is kept by itself.
  }
}

const panelOf = ({ id, place, version, content, stored, begun }: OpenDraft): Panel => ({
  ...{ id, place },
  begun: begun?.content === content ? { version, isSigned: content !== stored, attachments: begun.attachments } : null,
})

/** Whether another tab of this browser has it open: asked of all of them, and waited for a moment. */
export const isOpenElsewhere = (id: string): Promise<boolean> =>
  new Promise((done) => {
    const question = new BroadcastChannel(channel)
    const end = (answer: boolean) => {
      question.close()
      done(answer)
    }
    question.onmessage = ({ data }) => data?.has === id && end(true)
    question.postMessage({ asks: id })
    setTimeout(() => end(false), answerWithinMs)
  })

export const answerOthers = (hasOpen: (id: string) => boolean): void => {
  const line = new BroadcastChannel(channel)
  line.onmessage = ({ data }) => {
    if (typeof data?.asks === 'string' && hasOpen(data.asks)) line.postMessage({ has: data.asks })
  }
}
const channel = 'postern-drafts'
const answerWithinMs = 200

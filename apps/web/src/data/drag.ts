/** Conversations under way to another mailbox of their account. Kept here and not in the drag itself, where any page could put some. */
export type Dragged = { accountId: string; mailboxId: string; threadIds: string[] }

let dragged: Dragged | null = null

export const startDrag = (dataTransfer: DataTransfer, what: Dragged): void => {
  dragged = what
  // Without data some browsers drag nothing.
  dataTransfer.setData('text/plain', '')
  dataTransfer.effectAllowed = 'move'
  // Only where it may be dropped anything lights up.
  document.documentElement.dataset.dragging = ''
  const ended = new AbortController()
  const end = () => {
    ended.abort()
    dragged = null
    delete document.documentElement.dataset.dragging
  }
  // A row that left the list by being dropped says nothing of its end to anybody.
  for (const event of ['drop', 'dragend']) addEventListener(event, end, { signal: ended.signal })
}

export const getDragged = (): Dragged | null => dragged

import { messages } from './messages-en.ts'
import { pageMessages } from './page-messages-en.ts'
import { textsOf } from './text.ts'

export type { TextKey } from './text.ts'
/** Texts of what is loaded when it is needed, and brings its own catalogue along; what the mail says as well is in the first. */
export const t = textsOf({ ...messages, ...pageMessages })

import { composerMessages } from './composer-messages-en.ts'
import { messages } from './messages-en.ts'
import { textsOf } from './text.ts'

/** Texts of writing and sending, which bring their own catalogue along. */
export const t = textsOf({ ...messages, ...composerMessages })

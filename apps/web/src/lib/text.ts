import { messages } from './messages-en.ts'

export type TextKey = keyof typeof messages

/** Text by key, with `{name}` filled in. */
export const textsOf =
  <Key extends string>(catalogue: Record<Key, string>) =>
  (key: Key, values: Record<string, string | number> = {}): string =>
    catalogue[key].replace(/\{(\w+)\}/g, (_, name: string) => String(values[name] ?? ''))
export const t = textsOf(messages)

/** Counts with the right form: keys end in `.one` and `.other`. */
export const count = (
  key:
    | 'messages'
    | 'conversations'
    | 'selected'
    | 'new'
    | 'arrived'
    | 'rests'
    | 'removed'
    | 'copies'
    | 'hits'
    | 'pictures',
  n: number,
): string => t(`${key}.${n === 1 ? 'one' : 'other'}` as TextKey, { n: n.toLocaleString() }) // both forms are in the catalogue

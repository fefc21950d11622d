/** One account or mailbox as it is shown; `name` is its own. */
export type Shown<Thing> = { name: string; find: () => Thing | undefined; patch: (fields: Partial<Thing>) => void }

/** A field of something that somebody changes: what was shown of it at once, and what is stored as far as anybody here knows. */
type Changing = { shown: unknown; stored: unknown }
/** Of each thing, by its name, as long as a change of it is on its way. */
const underWay = new Map<string, { changes: number; fields: Map<string, Changing> }>()

/** What was told while the answer was on its way is newer, or will be followed by what is: each change is told. */
export const showAnswer = async <Thing>({ find, patch }: Shown<Thing>, ask: () => Promise<Thing>): Promise<Thing> => {
  const before = find()
  const answer = await ask()
  if (find() === before) patch(answer)
  return answer
}

/**
 * Shown at once; what could not be stored is put back, field by field, where it has not become something else since: what is stored,
 * not what another change showed that was then refused, too.
 */
export const showAtOnce = async <Thing extends object>(
  shown: Shown<Thing>,
  fields: Partial<Thing>,
  ask: () => Promise<Thing>,
): Promise<void> => {
  const before = shown.find()
  if (!before) return
  const own = underWay.get(shown.name) ?? { changes: 0, fields: new Map<string, Changing>() }
  underWay.set(shown.name, own)
  own.changes++
  const names = Object.keys(fields) as (keyof Thing & string)[] // its own, as the type says
  for (const name of names) {
    const known = own.fields.get(name)
    // Something else was told since the change before.
    const stored = known && known.shown === before[name] ? known.stored : before[name]
    own.fields.set(name, { shown: fields[name], stored })
  }
  const begun = names.map((name) => [name, own.fields.get(name)?.stored] as const)
  shown.patch(fields)
  try {
    await showAnswer(shown, ask)
    for (const [name, stored] of begun) {
      const now = own.fields.get(name)
      // Not over what was told since.
      if (now && now.stored === stored) own.fields.set(name, { ...now, stored: fields[name] })
    }
  } catch (error) {
    const now: Partial<Thing> = shown.find() ?? {}
    const ours = names.filter((name) => now[name] === fields[name])
    shown.patch(Object.fromEntries(ours.map((name) => [name, own.fields.get(name)?.stored])) as Partial<Thing>) // of these names
    throw error
  } finally {
    if (--own.changes === 0) underWay.delete(shown.name)
  }
}

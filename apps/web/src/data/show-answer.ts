/** One account or mailbox as it is shown. */
export type Shown<Thing> = { find: () => Thing | undefined; patch: (fields: Partial<Thing>) => void }

/** What was told while the answer was on its way is newer, or will be followed by what is: each change is told. */
export const showAnswer = async <Thing>({ find, patch }: Shown<Thing>, ask: () => Promise<Thing>): Promise<Thing> => {
  const before = find()
  const answer = await ask()
  if (find() === before) patch(answer)
  return answer
}

/** Shown at once; what could not be stored is put back, field by field, where it has not become something else since. */
export const showAtOnce = async <Thing extends object>(
  shown: Shown<Thing>,
  fields: Partial<Thing>,
  ask: () => Promise<Thing>,
): Promise<void> => {
  const before = shown.find()
  if (!before) return
  shown.patch(fields)
  try {
    await showAnswer(shown, ask)
  } catch (error) {
    const now: Partial<Thing> = shown.find() ?? {}
    const isOurs = (name: string) => name in fields && now[name as keyof Thing] === fields[name as keyof Thing] // one of its own, as below
    const old = Object.entries(before).filter(([name]) => isOurs(name))
    shown.patch(Object.fromEntries(old) as Partial<Thing>)
    throw error
  }
}

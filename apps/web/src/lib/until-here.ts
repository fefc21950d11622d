const againMs = 3000

/**
 * A part of the program without which a screen stays as it is: asked for until it comes. Without a line it does not, nor when a newer
 * version of Postern has taken the place of this one; `onMissing` is called each time.
 */
export const untilHere = async <Part>(load: () => Promise<Part>, onMissing = (): void => undefined): Promise<Part> => {
  for (;;)
    try {
      return await load()
    } catch {
      onMissing()
      await new Promise((done) => setTimeout(done, againMs))
    }
}

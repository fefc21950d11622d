import { app } from './app-state.ts'

const scripts = /\/_next\/static\/[^"'\\]+\.js/g

/** Whether a page names a script that this one has not: then it was built anew. */
export const isOtherBuild = (page: string, loaded: string[]): boolean => {
  const own = new Set(loaded)
  const named = new Set(page.match(scripts) ?? [])
  return named.size > 0 && [...named].some((path) => !own.has(path))
}

/** Asked after the line was cut, because a new version comes with a restart. Failing is no news. */
export const checkVersion = async (): Promise<void> => {
  const response = await fetch('/', { headers: { accept: 'text/html' }, cache: 'no-store', credentials: 'omit' }).catch(
    () => null,
  )
  if (!response?.ok) return
  const loaded = [...document.scripts].flatMap(({ src }) => (src === '' ? [] : [new URL(src).pathname]))
  // The page names all its scripts in its text as well, old-browser ones too.
  const inline = [...document.scripts].flatMap(({ textContent }) => textContent?.match(scripts) ?? [])
  if (isOtherBuild(await response.text(), [...loaded, ...inline])) app.set({ hasNewVersion: true })
}

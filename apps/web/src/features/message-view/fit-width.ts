/** Smaller than this nobody reads: what is still too wide then is scrolled sideways. */
const smallest = 0.5

/**
 * Shrinks a mail that is wider than its frame, which most newsletters are on a phone. By zoom, because the mail's own media
 * queries go on seeing the width there is. Answers whether a part of it still is out of sight.
 */
export const fitWidth = ({ documentElement, body }: Document): boolean => {
  body.style.setProperty('zoom', '1', 'important')
  const zoom = documentElement.clientWidth / documentElement.scrollWidth
  if (zoom >= 1) return false
  body.style.setProperty('zoom', String(Math.max(smallest, zoom)), 'important')
  return zoom < smallest
}

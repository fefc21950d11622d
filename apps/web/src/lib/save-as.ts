/** Hands what the page has made to the browser's downloads. */
export const saveAs = (address: string, name: string): void => {
  const link = document.createElement('a')
  link.href = address
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
}

/** Hands an address of our own to the browser's downloads. An empty name leaves it to the server. */
export const saveAs = (address: string, name: string): void => {
  const link = document.createElement('a')
  link.href = address
  link.download = name
  document.body.append(link)
  link.click()
  link.remove()
}

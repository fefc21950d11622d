/** Prints one message and nothing around it; the style sheet for print looks for the mark. `after` runs when it is done. */
export const printMessage = (article: HTMLElement, after: () => void): void => {
  article.dataset.printing = 'yes'
  const done = () => {
    delete article.dataset.printing
    after()
  }
  addEventListener('afterprint', done, { once: true })
  // Two frames: the message has been drawn for paper by then.
  requestAnimationFrame(() => requestAnimationFrame(() => print()))
}

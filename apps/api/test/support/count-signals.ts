/** A program for the launcher: tells how often it was asked to end, a while after it was asked first. */
let signals = 0
process.on('SIGTERM', () => {
  if (signals++ > 0) return
  setTimeout(() => {
    process.stdout.write(`asked ${signals}\n`)
    process.exit(0)
  }, 1200)
})
setInterval(() => undefined, 60_000)
process.stdout.write('ready\n')

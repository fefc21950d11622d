import type SMTPConnection from 'nodemailer/lib/smtp-connection/index.js'

/** Rejects with what the library says of a connection that broke meanwhile. */
export const promised = (start: (done: (error?: Error | null) => void) => void, smtp: SMTPConnection): Promise<void> =>
  new Promise((done, fail) => {
    smtp.once('error', fail)
    start((error) => {
      smtp.off('error', fail)
      if (error) fail(error)
      else done()
    })
  })

type Lines = { _responseActions: ((said: string) => void)[]; _sendCommand: (line: string) => void }

/** One line that the library does not send by itself, and all of the answer to it. Nothing else may be under way. */
export const askServer = async (smtp: SMTPConnection, line: string): Promise<string> => {
  const library = smtp as unknown as Lines // what it keeps to itself
  // It sends nothing then, and says nothing either.
  if (smtp.destroyed) throw Object.assign(new Error('The connection has ended.'), { code: 'ECONNECTION' })
  let answer = ''
  await promised((done) => {
    library._responseActions.push((said) => {
      answer = said
      done()
    })
    library._sendCommand(line)
  }, smtp)
  return answer
}

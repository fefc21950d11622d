import { nothing, type Pass, type Watch } from './watched-wire.ts'

/** A request before the server reads it, and its answer before the client does. For connections of one request each. */
export const watchHttp = (pass: Pass): Watch => {
  let name = ''
  let isAnswered = false
  return {
    toServer: (bytes) => {
      if (name !== '') return bytes
      name = /^[A-Z]+ [^ ?]+/.exec(bytes.toString('latin1'))?.[0] ?? ''
      return pass(`before ${name}`) ? bytes : nothing
    },
    toClient: (bytes) => {
      if (isAnswered) return bytes
      isAnswered = true
      return pass(`after ${name}`) ? bytes : nothing
    },
  }
}

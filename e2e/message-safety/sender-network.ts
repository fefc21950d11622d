import dns from 'node:dns/promises'
import { syncBuiltinESMExports } from 'node:module'
import net from 'node:net'

/**
 * Loaded into Postern's process: a sender's name with a public address, whose packets end at this machine. All that
 * judges addresses sees a public one.
 */
const senderName = 'sender.example'
const publicAddress = '93.184.215.14'

const lookup = dns.lookup
// The one form in which it is used: all addresses of a name.
dns.lookup = (async (name: string, options: { all: true }) =>
  name === senderName ? [{ address: publicAddress, family: 4 }] : lookup(name, options)) as typeof dns.lookup
syncBuiltinESMExports()

const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (this: net.Socket, ...given: unknown[]) {
  const [first] = given
  const options = (Array.isArray(first) ? first[0] : first) as { host?: string } // as node:net passes them on
  if (options?.host === publicAddress) options.host = '127.0.0.1'
  return Reflect.apply(connect, this, given)
} as typeof connect

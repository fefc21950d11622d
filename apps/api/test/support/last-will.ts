import { spawn } from 'node:child_process'

const script = `read -r word; [ "$word" = revoked ] && exit
kill "-$1" "$2"; while kill -0 "$2"; do sleep 0.1; done; [ -z "$3" ] || rm -rf "$3"`

/**
 * When this process is gone without having revoked it, even by kill -9, the process that it started is ended and its folder
 * removed: neither shall outlive a run that was broken off.
 */
export const leaveWill = (
  pid: number,
  { folder = '', signal = 'TERM' }: { folder?: string; signal?: 'TERM' | 'INT' | 'KILL' } = {},
): { revoke: () => void } => {
  // Whoever holds the other end of its input is alive.
  const executor = spawn('sh', ['-c', script, 'will', signal, String(pid), folder], {
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  })
  executor.on('error', () => undefined)
  executor.stdin.on('error', () => undefined)
  executor.unref()
  return { revoke: () => void executor.stdin.end('revoked\n') }
}

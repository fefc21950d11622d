import { execFileSync } from 'node:child_process'
import { X509Certificate } from 'node:crypto'
import { copyFileSync, existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** Made by itself; or signed by the first one, yet expired, or for `elsewhere.example` alone. */
export type CertificateKind = 'own' | 'expired' | 'other name'

/** For localhost, or another name, signed by itself: key.pem and cert.pem in a folder, replaced if they are there. The first one is kept as an authority. */
export const makeCertificate = (dir: string, name = 'localhost'): string => {
  const args = [
    'req',
    '-x509',
    '-newkey',
    'rsa:2048',
    '-nodes',
    '-days',
    '30',
    '-subj',
    `/CN=${name}`,
    '-addext',
    `subjectAltName=DNS:${name},IP:127.0.0.1`,
    '-keyout',
    join(dir, 'key.pem'),
    '-out',
    join(dir, 'cert.pem'),
  ]
  execFileSync('openssl', args, { stdio: 'ignore' })
  const isFirst = !existsSync(join(dir, 'first-cert.pem'))
  if (isFirst)
    for (const file of ['key', 'cert']) copyFileSync(join(dir, `${file}.pem`), join(dir, `first-${file}.pem`))
  return readFileSync(join(dir, 'cert.pem'), 'utf8')
}

/** Signed by the first certificate, which stands for an authority. */
export const signCertificate = (dir: string, kind: Exclude<CertificateKind, 'own'>): string => {
  const run = (...args: string[]) => execFileSync('openssl', args, { cwd: dir, stdio: 'ignore' })
  const name = kind === 'other name' ? 'elsewhere.example' : 'localhost'
  const wanted = ['-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}`]
  const authority = ['-CA', 'first-cert.pem', '-CAkey', 'first-key.pem', '-CAcreateserial', '-copy_extensions', 'copy']
  run('req', '-newkey', 'rsa:2048', '-nodes', ...wanted, '-keyout', 'key.pem', '-out', 'request.pem')
  run('x509', '-req', '-in', 'request.pem', ...authority, '-days', kind === 'expired' ? '-1' : '30', '-out', 'cert.pem')
  return readFileSync(join(dir, 'cert.pem'), 'utf8')
}

export const fingerprintOf = (certificate: string | Buffer): string =>
  new X509Certificate(certificate).fingerprint256.replaceAll(':', '').toLowerCase()

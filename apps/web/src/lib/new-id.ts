/**
 * A random UUID (RFC 9562 5.4). Browsers have `crypto.randomUUID` at secure addresses only, and a Postern at home is often
 * reached by plain http.
 */
export const newId = (): string => {
  const bytes = crypto.getRandomValues(new Uint8Array(16))
  const [version, variant] = [bytes[6] ?? 0, bytes[8] ?? 0]
  bytes[6] = (version & 0x0f) | 0x40
  bytes[8] = (variant & 0x3f) | 0x80
  const hex = Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('')
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})/, '$1-$2-$3-$4-')
}

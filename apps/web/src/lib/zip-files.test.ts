import { describe, expect, it } from 'vitest'
import { crc32, uniqueNames, zipFiles } from './zip-files.ts'

const bytesOf = (text: string) => new TextEncoder().encode(text)

describe('an archive of attachments', () => {
  it('has the checksum that the format asks for', () => {
    expect(crc32(bytesOf('123456789')).toString(16)).toBe('cbf43926')
    expect(crc32(new Uint8Array())).toBe(0)
  })

  it('finds every file again by its directory', () => {
    const files = [
      { name: 'Übersicht.csv', bytes: bytesOf('a;b\n') },
      { name: 'empty.txt', bytes: new Uint8Array() },
    ]
    const all = Buffer.concat(zipFiles(files))
    const end = all.length - 22
    expect(all.readUInt32LE(end)).toBe(0x06054b50)
    expect(all.readUInt16LE(end + 10)).toBe(2)
    let at = all.readUInt32LE(end + 16)
    for (const { name, bytes } of files) {
      expect(all.readUInt32LE(at)).toBe(0x02014b50)
      const nameLength = all.readUInt16LE(at + 28)
      expect(all.toString('utf8', at + 46, at + 46 + nameLength)).toBe(name)
      const local = all.readUInt32LE(at + 42)
      expect(all.readUInt32LE(local)).toBe(0x04034b50)
      const start = local + 30 + nameLength
      expect([...all.subarray(start, start + all.readUInt32LE(at + 24))]).toEqual([...bytes])
      at += 46 + nameLength
    }
    expect(at).toBe(end)
  })

  it('never lets a name choose a folder, nor one file hide another', () => {
    expect(uniqueNames(['../../etc/passwd', 'C:\\x.bat', '', '..', 'a.txt', 'A.txt', 'a.txt'])).toEqual([
      '__.._etc_passwd',
      'C__x.bat',
      'attachment',
      '_',
      'a.txt',
      'A (2).txt',
      'a (3).txt',
    ])
  })
})

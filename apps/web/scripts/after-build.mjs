// Puts pdf.js' worker, fonts and character maps beside the app, then compresses what browsers load, once, so that the
// server only sends files.
import { cpSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { brotliCompressSync, constants, gzipSync } from 'node:zlib'

const out = fileURLToPath(new URL('../out', import.meta.url))

const copyPdfJs = () => {
  const packageFile = createRequire(import.meta.url).resolve('pdfjs-dist/package.json')
  const from = dirname(packageFile)
  const { version } = JSON.parse(readFileSync(packageFile, 'utf8'))
  // The version in the name lets browsers keep these for good.
  const to = join(out, '_next', 'static', `pdfjs-${version}`)
  mkdirSync(to, { recursive: true })
  cpSync(join(from, 'legacy', 'build', 'pdf.worker.min.mjs'), join(to, 'pdf.worker.min.mjs'))
  // A PDF's own scripts never run: the machine that would run them stays behind.
  const isWanted = (path) => !/quickjs/i.test(path)
  for (const name of ['cmaps', 'iccs', 'standard_fonts', 'wasm'])
    cpSync(join(from, name), join(to, name), { recursive: true, filter: isWanted })
}

const compress = (dir) => {
  for (const name of readdirSync(dir)) {
    const path = join(dir, name)
    if (statSync(path).isDirectory()) compress(path)
    else if (/\.(js|mjs|css|svg|json|txt|wasm)$/.test(name)) {
      const bytes = readFileSync(path)
      if (bytes.length < 1024) continue
      writeFileSync(`${path}.br`, brotliCompressSync(bytes, { params: { [constants.BROTLI_PARAM_QUALITY]: 11 } }))
      writeFileSync(`${path}.gz`, gzipSync(bytes, { level: 9 }))
    }
  }
}

copyPdfJs()
compress(out)

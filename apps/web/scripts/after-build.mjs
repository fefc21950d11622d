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

/**
 * What the first paint needs stands in the page, so that nothing is waited for but the page: the style sheet, and what
 * Next's router wants to know of an app of one page. The font is named to the browser; where it comes too late it is
 * taken from the next visit on, because text that changes its shape while somebody reads is worse than another font.
 */
const foldIntoPage = () => {
  const index = join(out, 'index.html')
  const asset = (path) => readFileSync(join(out, path), 'utf8')
  const page = readFileSync(index, 'utf8')
  const sheet = /<link rel="stylesheet" href="([^"]+)"/.exec(page)?.[1]
  if (!sheet) throw new Error('the built page names no style sheet')
  const css = asset(sheet)
    .replaceAll('url(../media/', 'url(/_next/static/media/')
    .replaceAll('font-display:swap', 'font-display:optional')
  const font = /\/_next\/static\/media\/inter-latin-wght-normal\.[^)"]+/.exec(css)?.[0]
  if (!font) throw new Error('the style sheet names no font')
  const folded = page
    .replace(/<link rel="preload" href="[^"]+" as="style"\/>/, '')
    .replace(
      /<link rel="stylesheet"[^>]*>/,
      () => `<link rel="preload" as="font" type="font/woff2" crossorigin href="${font}"/><style>${css}</style>`,
    )
    .replace(
      /<script src="([^"]*\/_(?:build|ssg|clientMiddleware)Manifest\.js)" defer=""><\/script>/g,
      (_, path) => `<script>${asset(path)}</script>`,
    )
    // Next's loader would fetch it once more.
    .replaceAll(`,"${sheet.replace('/_next/', '')}"`, '')
  if (folded.includes(sheet.replace('/_next/', ''))) throw new Error('the page still names its style sheet')
  writeFileSync(index, folded)
}

copyPdfJs()
foldIntoPage()
compress(out)

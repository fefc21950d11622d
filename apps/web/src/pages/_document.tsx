import { Head, Html, Main, NextScript } from 'next/document'
import { firstPaintScript } from '#screen/first-paint.ts'

const Document = () => (
  <Html lang="en" dir="ltr">
    <Head>
      <meta name="color-scheme" content="light dark" />
      <link rel="icon" href="/icon.svg" />
    </Head>
    <body>
      <div id="first-paint" aria-hidden />
      {/* biome-ignore lint/security/noDangerouslySetInnerHtml: our own text, allowed by its hash in the CSP */}
      <script dangerouslySetInnerHTML={{ __html: firstPaintScript }} />
      <Main />
      <NextScript />
    </body>
  </Html>
)

export default Document

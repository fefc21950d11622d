import '@fontsource-variable/inter/index.css'
import '#screen/globals.css'
import '#screen/mail.css'
import '#screen/panes.css'
import '#screen/forms.css'
import '#screen/composer.css'
import '#screen/suggestions.css'
import type { AppProps } from 'next/app'
import Head from 'next/head'
import Router from 'next/router'
import { useEffect } from 'react'

const Page = ({ Component, pageProps }: AppProps) => {
  // Steps of the history are ours (lib/route.ts); Next's router knows one page and would load others from the server.
  useEffect(() => Router.beforePopState(() => false), [])
  return (
    <>
      <Head>
        <title>Postern</title>
        <meta name="viewport" content="width=device-width, initial-scale=1, viewport-fit=cover" />
      </Head>
      <Component {...pageProps} />
    </>
  )
}

export default Page

import '@fontsource-variable/inter/index.css'
import './globals.css'
import './mail.css'
import './panes.css'
import './forms.css'
import type { Metadata, Viewport } from 'next'
import type { ReactNode } from 'react'

export const metadata: Metadata = { title: 'Postern', icons: { icon: '/icon.svg' } }
export const viewport: Viewport = {
  width: 'device-width',
  initialScale: 1,
  viewportFit: 'cover',
  colorScheme: 'light dark',
}

const RootLayout = ({ children }: { children: ReactNode }) => (
  <html lang="en" dir="ltr">
    <body>{children}</body>
  </html>
)

export default RootLayout

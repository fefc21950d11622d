'use client'

import { App } from './app.tsx'

const Page = () => <App />

export default Page

import { App } from '#screen/app.tsx'

const Page = () => <App />

export default Page

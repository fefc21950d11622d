// A static single-page export, served by the API from the same origin (ADR 0007).
export default { output: 'export', images: { unoptimized: true }, poweredByHeader: false, devIndicators: false }

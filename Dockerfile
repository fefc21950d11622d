# Postern in two stages: build with everything, run with what is needed.
FROM node:24-bookworm-slim AS build
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1 CHECKPOINT_DISABLE=1 PRISMA_SCHEMA_ENGINE_BINARY=/bin/true
COPY package.json package-lock.json .npmrc ./
COPY apps/api/package.json apps/api/
COPY apps/web/package.json apps/web/
COPY packages/shared/package.json packages/shared/
RUN npm ci --no-audit --no-fund
COPY . .
RUN node node_modules/prisma/build/index.js generate \
 && cd apps/web && node ../../node_modules/next/dist/bin/next build && node scripts/after-build.mjs && cd ../.. \
 && npm prune --omit=dev --no-audit --no-fund

FROM node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data MASTER_KEY_FILE=/keys/master.key
RUN groupadd --gid 10001 postern && useradd --uid 10001 --gid 10001 --no-create-home postern \
 && mkdir /data /keys && chown postern:postern /data /keys && chmod 700 /keys
COPY --from=build --chown=root:root /app /app
USER postern
VOLUME ["/data", "/keys"]
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s CMD node -e "fetch('http://127.0.0.1:3000/readyz').then(r=>process.exit(r.ok?0:1),()=>process.exit(1))"
CMD ["node", "--disable-warning=ExperimentalWarning", "apps/api/src/main.ts"]

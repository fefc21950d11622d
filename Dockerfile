# Postern in three stages: `build` makes the web app and the database client, `packages` holds what runs, the last one
# runs it. The image works by itself too (built-in database in /data); docker-compose.yml gives it a Postgres.
FROM docker.io/library/node:24-bookworm-slim AS manifests
WORKDIR /app
ENV NEXT_TELEMETRY_DISABLED=1 CHECKPOINT_DISABLE=1 PRISMA_SCHEMA_ENGINE_BINARY=/bin/true
COPY package.json package-lock.json .npmrc ./
COPY apps/api/package.json apps/api/
COPY apps/web/package.json apps/web/
COPY packages/shared/package.json packages/shared/

FROM manifests AS build
RUN npm ci
COPY . .
RUN node node_modules/prisma/build/index.js generate \
 && cd apps/web && node ../../node_modules/next/dist/bin/next build \
 && cd ../.. && node apps/web/scripts/after-build.mjs

FROM manifests AS packages
# Prisma asks for its own command line as a peer; nothing that runs here loads it.
RUN npm ci --omit=dev --workspace=@postern/api --workspace=@postern/shared \
 && cd node_modules && rm -rf .bin prisma effect typescript @typescript @electric-sql \
      @prisma/dev @prisma/engines @prisma/engines-version @prisma/fetch-engine @prisma/get-platform \
      @prisma/query-plan-executor @prisma/streams-local @prisma/studio-core

FROM docker.io/library/node:24-bookworm-slim
WORKDIR /app
ENV NODE_ENV=production HOST=0.0.0.0 PORT=3000 DATA_DIR=/data MASTER_KEY_FILE=/keys/master.key
# Everything below /app belongs to root: Postern cannot change its own program.
RUN groupadd --gid 10001 postern && useradd --uid 10001 --gid 10001 --no-create-home --shell /usr/sbin/nologin postern \
 && mkdir /data /keys && chown postern:postern /data /keys && chmod 700 /data /keys
COPY --from=packages /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY packages/shared ./packages/shared
COPY prisma/migrations ./prisma/migrations
COPY apps/api/package.json ./apps/api/
COPY --from=build /app/apps/api/src ./apps/api/src
COPY --from=build /app/apps/web/out ./apps/web/out
USER 10001:10001
VOLUME ["/data", "/keys"]
EXPOSE 3000
HEALTHCHECK --interval=30s --timeout=5s --start-period=60s \
  CMD ["node", "-e", "fetch('http://127.0.0.1:3000/readyz').then(r => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["node", "--disable-warning=ExperimentalWarning", "--expose-gc", "apps/api/src/main.ts"]

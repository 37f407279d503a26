# syntax=docker/dockerfile:1.20
# One image for every process: the workspace as it lies, run by Node without a build step.
# What runs is the argument: `docker run full-sync services/loader/src/main.ts`.

FROM node:24.21.0-bookworm-slim AS dependencies
WORKDIR /app
# The manifests alone, so that a change of code does not install anew.
COPY package.json pnpm-lock.yaml pnpm-workspace.yaml ./
COPY patches patches
COPY --parents packages/*/package.json services/*/package.json ./
RUN npx -y pnpm@12.21.0 install --frozen-lockfile --prod --no-optional \
      --filter './services/*...' --filter '@full-sync/cli...' --filter '@full-sync/simulators...'

FROM node:24.21.0-bookworm-slim
# The same bounds of memory as under the local supervisor (packages/local-stack/src/services.ts).
ENV NODE_ENV=production \
    NODE_OPTIONS="--max-semi-space-size=4 --max-old-space-size=512" \
    MALLOC_ARENA_MAX=2 MALLOC_TRIM_THRESHOLD_=131072 MALLOC_MMAP_THRESHOLD_=131072
ARG BUILD_REVISION=unknown
ENV BUILD_REVISION=$BUILD_REVISION
WORKDIR /app
COPY --from=dependencies /app ./
COPY packages packages
COPY services services
COPY deploy/healthcheck.mjs deploy/healthcheck.mjs
USER node
ENTRYPOINT ["node"]
CMD ["services/api/src/main.ts"]

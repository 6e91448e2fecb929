# One image, two commands: the API by default, the worker with `node src/worker.ts`.
# Node runs the TypeScript sources as they are, so nothing is built and the image holds what was tested.

FROM node:26.10.0-bookworm-slim AS dependencies
WORKDIR /app
COPY package.json package-lock.json ./
# No development tools, and not the Node of `optionalDependencies`: the base image has its own.
# No production dependency needs an install script.
RUN npm ci --omit=dev --omit=optional --ignore-scripts

FROM node:26.10.0-bookworm-slim
LABEL org.opencontainers.image.title="Slipway" \
      org.opencontainers.image.description="Self-service REST API for the managed Argo CD extension on AKS and Azure Arc-enabled clusters" \
      org.opencontainers.image.licenses="MIT"
ENV NODE_ENV=production
WORKDIR /app

# A volume that is mounted here inherits the owner: the emulator hands its CA certificate over through one.
RUN mkdir /var/lib/slipway && chown 1000:1000 /var/lib/slipway

COPY --from=dependencies /app/node_modules ./node_modules
COPY package.json LICENSE ./
COPY src ./src

# By number, so that Kubernetes can tell that it is not root. Everything in /app belongs to root and is read-only to it.
USER 1000:1000

# The API, and the worker's health.
EXPOSE 8080 8081
# The base image has no curl. Alive, not ready: a store that is down is no reason to restart this process. Whichever of
# the two commands runs here answers; the emulator listens elsewhere, and docker-compose.yml says where.
HEALTHCHECK --interval=10s --timeout=3s --start-period=10s --retries=3 \
  CMD ["node", "-e", "Promise.any([process.env.SLIPWAY_PORT || 8080, process.env.SLIPWAY_WORKER_PORT || 8081].map(port => fetch(`http://127.0.0.1:${port}/livez`).then(({ ok }) => ok || Promise.reject()))).then(() => process.exit(0), () => process.exit(1))"]

# Exec form: Node itself receives SIGTERM and drains.
CMD ["node", "src/server.ts"]

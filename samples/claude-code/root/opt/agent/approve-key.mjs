// Notes in ~/.claude.json, as Claude Code does by itself after the question, that the key in the environment may be used.
import { readFileSync, renameSync, writeFileSync } from 'node:fs'

const path = `${process.env.HOME}/.claude.json`
const key = process.env.ANTHROPIC_API_KEY.slice(-20)
const settings = JSON.parse(readFileSync(path, 'utf8'))
const answers = (settings.customApiKeyResponses ??= { approved: [], rejected: [] })
if (!answers.approved.includes(key)) {
  answers.approved.push(key)

  // Another shell may start at the same moment: nobody reads half a file.
  writeFileSync(`${path}.${process.pid}`, JSON.stringify(settings, null, 2), { mode: 0o600 })
  renameSync(`${path}.${process.pid}`, path)
}

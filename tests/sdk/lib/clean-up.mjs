// Ends whatever servers and sandboxes a test run has left below a directory, and removes it. Says so when there was something.
import fs from 'node:fs'
import path from 'node:path'
import { killSandboxes, leftovers, sandboxGroups, sandboxIds } from './leftovers.mjs'
import { until } from './patience.mjs'

const root = process.argv[2]
const servers = fs.readdirSync(root).map((name) => path.join(root, name, 'data')).filter((data) => fs.existsSync(data))
for (const data of servers) {
  const server = serverOf(data)
  if (server !== null) {
    console.error(`ending the server ${server} that the tests left on ${data}`)
    process.kill(server, 'SIGKILL')
    await until('the server to end', () => serverOf(data) === null)
  }
  const ids = sandboxIds(data)
  const groups = sandboxGroups(data)
  killSandboxes(ids)
  await until('the sandboxes to end', () => leftovers(data, ids).length === 0, () => leftovers(data, ids).join('\n'))
  for (const group of groups) await until(`${group} to be empty`, () => removed(group))
}
fs.rmSync(root, { recursive: true })

// The process that still serves a data directory. Its number may be somebody else's by now, so its command line is asked.
function serverOf(data) {
  const info = path.join(data, 'server.json')
  if (!fs.existsSync(info)) return null
  const { processId } = JSON.parse(fs.readFileSync(info, 'utf8'))
  try {
    return fs.readFileSync(`/proc/${processId}/cmdline`, 'utf8').split('\0').includes(data) ? processId : null
  } catch (gone) {
    if (gone.code === 'ENOENT' || gone.code === 'ESRCH') return null
    throw gone
  }
}

// A control group can be removed when the last process in it has been buried.
function removed(group) {
  try {
    fs.rmdirSync(group)
  } catch (error) {
    if (error.code === 'EBUSY') return false
    if (error.code !== 'ENOENT') throw error
  }
  return true
}

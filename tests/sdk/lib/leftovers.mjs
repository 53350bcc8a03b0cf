// Finds and ends what a server's sandboxes are made of: processes, mounts, loop devices.
import fs from 'node:fs'
import path from 'node:path'

/** The ids of all sandboxes that a data directory has now. */
export const sandboxIds = (dataDirectory) => states(dataDirectory).map((state) => state.id)

/** The control groups of all sandboxes that a data directory has now. */
export const sandboxGroups = (dataDirectory) => states(dataDirectory).flatMap((state) => state.cgroups)

/** The processes, mounts and loop devices that still belong to a data directory. */
export function leftovers(dataDirectory, ids) {
  const mounts = fs.readFileSync('/proc/self/mountinfo', 'utf8').split('\n').filter((line) => line.includes(dataDirectory))
  const loops = fs.readdirSync('/sys/block').filter((name) => name.startsWith('loop'))
    .map((name) => tryRead(`/sys/block/${name}/loop/backing_file`)).filter((file) => file.startsWith(dataDirectory))
  return [...processesOf(ids).map((pid) => `process ${pid} ${tryRead(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`), ...mounts, ...loops]
}

/** Kills what holds sandboxes together; the rest goes with its process namespace. */
export function killSandboxes(ids) {
  for (const pid of processesOf(ids)) {
    try {
      process.kill(pid, 'SIGKILL')
    } catch (gone) {
      if (gone.code !== 'ESRCH') throw gone
    }
  }
}

function processesOf(ids) {
  const marks = [...ids].map((id) => `PORTHOLE_SANDBOX=${id}\0`)
  if (marks.length === 0) return []
  return fs.readdirSync('/proc').filter((name) => /^\d+$/.test(name)).map(Number)
    .filter((pid) => {
      const environment = tryRead(`/proc/${pid}/environ`)
      return environment !== '' && marks.some((mark) => environment.includes(mark))
    })
}

// What a session's directory says of its sandbox.
function states(dataDirectory) {
  const sessions = path.join(dataDirectory, 'sessions')
  if (!fs.existsSync(sessions)) return []
  return fs.readdirSync(sessions).map((name) => parse(tryRead(path.join(sessions, name, 'state.json')))).filter((state) => state !== null)
}

// null for what is not written yet.
function parse(text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

// '' when it ended between the listing and the look, or is somebody else's.
function tryRead(file) {
  try {
    return fs.readFileSync(file, 'latin1')
  } catch (error) {
    if (['ENOENT', 'ESRCH', 'EACCES', 'EPERM', 'EINVAL', 'ENXIO'].includes(error.code)) return ''
    throw error
  }
}

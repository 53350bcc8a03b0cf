// Many shells for many minutes: they change hands, are left and found again, the server is killed and stopped and started again, and every
// byte of every shell is accounted for. Run by `make soak`; options as below. Ends with 1 and says why when something was wrong.
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import { pointClientsAt } from './lib/suite.mjs'
import { NumberedShell } from './lib/numbered-shell.mjs'
import { Server } from './lib/server.mjs'

const { values: options } = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    sessions: { type: 'string', default: '4' },
    shells: { type: 'string', default: '5' }, // of each session
    memory: { type: 'string', default: '400' }, // MB that the server may have resident
  },
})
const until = Date.now() + Number(options.minutes) * 60_000
const memoryLimit = Number(options.memory) * 2 ** 20

const random = (low, high) => low + Math.random() * (high - low)
const server = new Server(fs.mkdtempSync(path.join(process.env.PORTHOLE_SDK_DIRECTORY ?? os.tmpdir(), 'soak-')))
const problems = []
const counts = { kills: 0, stops: 0, peakMemory: 0 }

await server.start()
pointClientsAt(await server.environment())
const client = new RuntimeClient()

// Some shells print slowly, some faster than 256 KB can hold for long.
const shells = Array.from({ length: options.sessions * options.shells }, (_, i) => new NumberedShell({
  client, runtimeArn: process.env.PORTHOLE_RUNTIME_ARN, sessionId: `soak-${process.pid}-${'x'.repeat(24)}-${i % options.sessions}`, shellId: `shell-${i}`,
  linesPerSecond: [50, 500, 5_000, 20_000][i % 4], until,
}))

const report = setInterval(() => console.log(summary()), 30_000)
const work = [...shells.map((shell) => shell.run()), endServers(), watchMemory()].map((task) => task.catch((error) => {
  problems.push(error.message)
}))
await Promise.all(work)
clearInterval(report)
await server.stopAll().catch((error) => problems.push(error.message))

console.log(summary())
problems.forEach((problem) => console.error(`wrong: ${problem}`))
process.exit(problems.length === 0 ? 0 : 1)

async function endServers() {
  for (;;) {
    await delay(random(5_000, 20_000))
    if (problems.length > 0 || Date.now() > until - 10_000) return
    if (Math.random() < 0.5) {
      counts.kills++
      await server.kill()
    } else {
      counts.stops++
      await server.terminate()
    }
    await delay(random(0, 3_000))
    await server.start()
  }
}

async function watchMemory() {
  for (; Date.now() < until; await delay(1_000)) {
    const memory = residentBytes(server.pid)
    counts.peakMemory = Math.max(counts.peakMemory, memory)
    if (memory > memoryLimit) throw new Error(`the server has ${Math.round(memory / 2 ** 20)} MB resident`)
  }
}

// 0 while there is no server.
function residentBytes(pid) {
  try {
    return Number(/^VmRSS:\s*(\d+) kB/m.exec(fs.readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) * 1024
  } catch (gone) {
    if (gone.code === 'ENOENT' || gone.code === 'ESRCH') return 0
    throw gone
  }
}

function summary() {
  const sum = (name) => shells.reduce((total, shell) => total + shell.counts[name], 0)
  const left = Math.max(0, Math.round((until - Date.now()) / 1000))
  return `${left} s left: ${shells.length} shells, ${Math.round(sum('bytes') / 2 ** 20)} MB exact, ${Math.round(sum('dropped') / 2 ** 20)} MB counted as dropped, `
    + `${sum('takeovers')} takeovers, ${sum('detaches')} detaches, ${sum('losses')} lost connections, ${counts.kills} kills and ${counts.stops} stops of the server, `
    + `at most ${Math.round(counts.peakMemory / 2 ** 20)} MB resident`
}

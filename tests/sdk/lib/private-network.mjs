// Runs a client in a network namespace of its own, in which port 443 of localhost leads to the server's TLS.
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from './suite.mjs'
import { PATIENCE_MS } from './patience.mjs'

const SOCKET = 'PORTHOLE_TEST_SOCKET'

/** Inside: makes port 443 lead to the server, byte for byte. */
export async function openPort443() {
  const front = net.createServer(passTo({ path: process.env[SOCKET] }))
  await new Promise((resolve, reject) => front.once('error', reject).listen(443, '127.0.0.1', resolve))
}

/**
 * Runs a module inside. It gets `input` as its argument, in JSON, and prints its answer the same way. Needs no rights: the namespace comes
 * with one for user ids, and goes with the process. The only way out of it is a unix socket.
 */
export async function inPrivateNetwork(module, input) {
  const directory = fs.mkdtempSync(path.join(suite.directory, 'private-'))
  const socket = path.join(directory, 'socket')
  const exit = net.createServer(passTo({ port: suite.server.tlsPort, host: suite.server.host }))
  await new Promise((resolve, reject) => exit.once('error', reject).listen(socket, resolve))
  try {
    return JSON.parse(await run(fileURLToPath(module), JSON.stringify(input), {
      ...process.env, [SOCKET]: socket, PATH: `${process.env.PATH}:/usr/sbin:/sbin`, BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT: 'https://localhost',
    }))
  } finally {
    await new Promise((resolve) => exit.close(resolve))
    fs.rmSync(directory, { recursive: true })
  }
}

function passTo(address) {
  return (from) => {
    const to = net.connect(address)
    from.pipe(to).pipe(from)
    from.on('error', () => to.destroy())
    to.on('error', () => from.destroy())
  }
}

function run(script, argument, env) {
  const command = ['--map-root-user', '--net', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh', process.execPath, script, argument]
  return new Promise((resolve, reject) => {
    execFile('unshare', command, { env, timeout: PATIENCE_MS, killSignal: 'SIGKILL' }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${error.message}\n${stdout}${stderr}`))
      else resolve(stdout)
    })
  })
}

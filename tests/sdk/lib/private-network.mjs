// Runs a client in a network namespace of its own, in which port 443 of localhost is the server, with TLS in front.
import { execFile, execFileSync } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { suite } from './suite.mjs'
import { PATIENCE_MS } from './patience.mjs'

const SOCKET = 'PORTHOLE_TEST_SOCKET', KEY = 'PORTHOLE_TEST_KEY', CERTIFICATE = 'NODE_EXTRA_CA_CERTS'

/** What `front` needs inside, from the environment that this module gave. */
export const inside = () => ({
  socket: process.env[SOCKET], key: fs.readFileSync(process.env[KEY]), cert: fs.readFileSync(process.env[CERTIFICATE]),
})

/**
 * Runs a module inside. It gets `input` as its argument, in JSON, and prints its answer the same way. Needs no rights: the namespace comes
 * with one for user ids, and goes with the process. The only way out of it is a unix socket.
 */
export async function inPrivateNetwork(module, input) {
  const directory = fs.mkdtempSync(path.join(suite.directory, 'private-'))
  const [socket, key, certificate] = ['socket', 'key.pem', 'certificate.pem'].map((name) => path.join(directory, name))
  execFileSync('openssl', ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '1',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost', '-keyout', key, '-out', certificate], { stdio: 'pipe' })
  const exit = net.createServer((from) => {
    const to = net.connect(suite.server.port, suite.server.host)
    from.pipe(to).pipe(from)
    from.on('error', () => to.destroy())
    to.on('error', () => from.destroy())
  })
  await new Promise((resolve, reject) => exit.once('error', reject).listen(socket, resolve))
  try {
    return JSON.parse(await run(fileURLToPath(module), JSON.stringify(input), {
      ...process.env, [SOCKET]: socket, [KEY]: key, [CERTIFICATE]: certificate,
      PATH: `${process.env.PATH}:/usr/sbin:/sbin`, BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT: 'https://localhost',
    }))
  } finally {
    await new Promise((resolve) => exit.close(resolve))
    fs.rmSync(directory, { recursive: true })
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

// A real `porthole serve` with a data directory of its own, as an operator runs it.
import { execFile, spawn } from 'node:child_process'
import fs from 'node:fs'
import net from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { fromIni } from '@aws-sdk/credential-providers'
import { sandboxIds, leftovers, killSandboxes } from './leftovers.mjs'
import { until, within } from './patience.mjs'
import { signedHeaders } from './signing.mjs'

const repository = fileURLToPath(new URL('../../..', import.meta.url))

/** Where the built programs are. */
export const outDirectory = path.resolve(process.env.PORTHOLE_OUT || path.join(repository, 'out'))

const program = path.join(outDirectory, 'porthole')

// Sessions of tests are small: many of them run beside each other.
const SMALL_SANDBOX = { cpus: 1, memoryBytes: 512 << 20, processes: 256, diskBytes: 128 << 20 }

export class Server {
  #process = null
  #sandboxIds = new Set()

  /** @param directory made when missing; everything of the server is below it */
  constructor(directory, { port, host = '127.0.0.1', tls = false, settings = {} } = {}) {
    this.directory = directory
    this.dataDirectory = path.join(directory, 'data')
    this.logPath = path.join(directory, 'server.log')
    this.host = host
    this.port = port
    this.tls = tls
    this.settings = settings
  }

  get pid() {
    return this.#process.pid
  }

  get endpoint() {
    return `http://${this.host}:${this.port}`
  }

  /** Where it speaks TLS, beside the usual address. */
  get tlsEndpoint() {
    return `https://localhost:${this.tlsPort}`
  }

  /** All that the server has logged, over restarts. */
  get log() {
    return fs.readFileSync(this.logPath, 'utf8')
  }

  /** Starts it, again on the same port when it has run before, and waits until it is ready. */
  async start() {
    if (!fs.existsSync(program)) throw new Error(`${program} is missing: run make build`)
    this.port ??= await freePort()
    if (this.tls) this.tlsPort ??= await freePort()
    fs.mkdirSync(this.directory, { recursive: true })
    const config = path.join(this.directory, 'porthole.json')
    fs.writeFileSync(config, JSON.stringify({ sandbox: SMALL_SANDBOX, ...this.settings }))
    const log = fs.openSync(this.logPath, 'a')
    const start = fs.fstatSync(log).size
    const listen = ['--listen', this.endpoint, ...this.tls ? ['--listen', this.tlsEndpoint] : []]
    const child = spawn(program, ['serve', '--data-dir', this.dataDirectory, ...listen, '--config', config], {
      stdio: ['ignore', log, log],
      cwd: '/',
      env: withoutPointers(process.env),
    })
    fs.closeSync(log)
    this.#process = child
    await until('the server to be ready', () => {
      if (child.exitCode !== null) throw new Error(`the server ended with ${child.exitCode}:\n${this.log}`)
      return this.log.slice(start).includes('Ready on ')
    }, () => this.log)
    return this
  }

  /** The variables that `porthole env` prints for it. */
  async environment() {
    const { stdout } = await promisify(execFile)(program, ['env', '--data-dir', this.dataDirectory, '--format', 'json'])
    return JSON.parse(stdout)
  }

  /** Ends it in order; its sandboxes stay. */
  terminate() {
    return this.signal('SIGTERM')
  }

  /** Ends it as a crash does; its sandboxes stay. */
  kill() {
    return this.signal('SIGKILL')
  }

  async signal(name) {
    this.#noteSandboxes()
    const child = this.#process
    if (child === null || child.exitCode !== null || child.signalCode !== null) return
    const ended = new Promise((resolve) => child.once('exit', resolve))
    child.kill(name)
    await within(ended, `the server to end after ${name}`, () => this.log)
  }

  /** Ends it with every sandbox. Throws when anything of them is left. */
  async stopAll() {
    this.#noteSandboxes()
    if (this.#process !== null && this.#process.exitCode === null && this.#process.signalCode === null) {
      try {
        await this.#shutDown()
      } finally {
        await this.kill()
      }
    }
    await until('nothing of the sandboxes to be left', () => leftovers(this.dataDirectory, this.#sandboxIds).length === 0,
      () => leftovers(this.dataDirectory, this.#sandboxIds).join('\n'))
    fs.rmSync(this.directory, { recursive: true })
  }

  /** What stopAll falls back on when a test run has broken down. */
  async killAll() {
    await this.kill()
    killSandboxes(this.#sandboxIds)
  }

  async #shutDown() {
    const variables = await this.environment()
    const url = `${this.endpoint}/porthole/v1/shutdown`
    const credentials = await fromIni({ filepath: variables.AWS_SHARED_CREDENTIALS_FILE })()
    const headers = await signedHeaders({ method: 'POST', url, body: '', region: variables.AWS_REGION, credentials })
    const answer = await fetch(url, { method: 'POST', headers, body: '' })
    if (!answer.ok) throw new Error(`the server did not shut down: ${answer.status} ${await answer.text()}`)
  }

  #noteSandboxes() {
    for (const id of sandboxIds(this.dataDirectory)) this.#sandboxIds.add(id)
  }
}

/** A free port below the range that the kernel gives to outgoing connections: nobody takes it between two lives of a server. */
export async function freePort() {
  for (;;) {
    const port = 15_000 + Math.floor(Math.random() * 17_000)
    const listener = net.createServer()
    const free = await new Promise((resolve) => {
      listener.once('error', () => resolve(false))
      listener.listen(port, '127.0.0.1', () => resolve(true))
    })
    if (!free) continue
    await new Promise((resolve) => listener.close(resolve))
    return port
  }
}

/** An environment in which nothing points a client or the server elsewhere. */
export function withoutPointers(environment) {
  return Object.fromEntries(Object.entries(environment).filter(([name]) => !/^(AWS_|PORTHOLE_|BEDROCK_|NODE_EXTRA_CA_CERTS|SSL_CERT_FILE)/.test(name)))
}

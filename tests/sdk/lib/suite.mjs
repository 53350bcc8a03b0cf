// The one server that all tests share; each test has sessions of its own.
import { randomUUID } from 'node:crypto'
import fs from 'node:fs'
import os from 'node:os'
import path from 'node:path'
import { after, before, test as nodeTest } from 'node:test'
import { fromIni } from '@aws-sdk/credential-providers'
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import { PATIENCE_MS } from './patience.mjs'
import { Server, withoutPointers } from './server.mjs'
import { Terminal } from './terminal.mjs'

const ENDPOINT = 'BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT'

/** What the tests share; filled in before the first of them. */
export const suite = { directory: '', server: null, region: '', runtimeArn: '', client: null }

const shells = []

/** A test that cannot hang. */
export const test = (name, action) => nodeTest(name, { timeout: 2 * PATIENCE_MS }, action)

/** Registers the server's start and end around all tests of the file that is being run. */
export function shareServer() {
  before(async () => {
    suite.directory = process.env.PORTHOLE_SDK_DIRECTORY || fs.mkdtempSync(path.join(os.tmpdir(), 'porthole-sdk-'))
    suite.server = await new Server(path.join(suite.directory, 'shared'), { tls: true }).start()
    pointClientsAt(await suite.server.environment())
    suite.region = process.env.AWS_REGION
    suite.runtimeArn = process.env.PORTHOLE_RUNTIME_ARN
    suite.client = new RuntimeClient()
  })
  after(async () => {
    // A shell of a test that failed may still try to reconnect, and would keep this process alive.
    for (const shell of shells) await shell.close()
    await suite.server?.stopAll()
  })
}

/** Sets what `porthole env` printed, and nothing else, as a user's shell would. */
export function pointClientsAt(variables) {
  for (const name of Object.keys(process.env)) if (!(name in withoutPointers(process.env))) delete process.env[name]
  Object.assign(process.env, variables)
}

/** Runs something with shells of the SDK going to another address. It reads the address at each connection, so also at each reconnection. */
export async function through(endpoint, action) {
  const usual = process.env[ENDPOINT]
  process.env[ENDPOINT] = endpoint
  try {
    return await action()
  } finally {
    process.env[ENDPOINT] = usual
  }
}

/** Runs something with a server of its own, which it may end and start again. It gets the server, and the options of a shell on it. */
export async function withServer(name, action, settings = {}) {
  const server = await new Server(path.join(suite.directory, name), { settings }).start()
  try {
    const { AWS_REGION: region, AWS_SHARED_CREDENTIALS_FILE: filepath, PORTHOLE_RUNTIME_ARN: runtimeArn } = await server.environment()
    const client = new RuntimeClient({ region, credentialsProvider: fromIni({ filepath }) })
    await through(server.endpoint, () => action(server, { client, runtimeArn }))
  } finally {
    await server.stopAll()
  }
}

/** A session id that nobody else uses. */
export const newSessionId = () => `sdk-${randomUUID()}`

/** Opens a shell with the official SDK and reads it. A session that is starting for somebody else, or stopping, says 409; then again. */
export async function openTerminal({ sessionId = newSessionId(), ...options } = {}) {
  return new Terminal(await openShell({ sessionId, ...options }))
}

export async function openShell({ client = suite.client, ...options }) {
  const shell = await client.openShell({ runtimeArn: suite.runtimeArn, ...options })
  shells.push(shell)
  return shell
}

export function credentials() {
  return fromIni({ filepath: process.env.AWS_SHARED_CREDENTIALS_FILE })()
}

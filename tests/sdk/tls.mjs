// Everything once over the server's own TLS. Node reads NODE_EXTRA_CA_CERTS when it starts, so the client is a process of its own, with the
// environment that `porthole env` prints and nothing else.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PATIENCE_MS } from './lib/patience.mjs'
import { Issuer } from './lib/issuer.mjs'
import { newTokenRuntime } from './lib/token-runtime.mjs'
import { newSessionId, suite, test } from './lib/suite.mjs'

const variables = ['AWS_ENDPOINT_URL_BEDROCK_AGENTCORE', 'AWS_ENDPOINT_URL_BEDROCK_AGENTCORE_CONTROL', 'BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT']

async function overTls(input, environment = {}) {
  const client = fileURLToPath(new URL('tls-client.mjs', import.meta.url))
  const endpoints = Object.fromEntries(variables.map((name) => [name, suite.server.tlsEndpoint]))
  const { stdout } = await promisify(execFile)(process.execPath, [client, JSON.stringify(input)], {
    env: { ...process.env, ...endpoints, ...environment }, timeout: PATIENCE_MS, killSignal: 'SIGKILL', maxBuffer: 1 << 24,
  })
  return JSON.parse(stdout)
}

test('tls: shells, commands and the control plane work over https with the authority from the environment', async () => {
  const sessionId = newSessionId()
  const seen = await overTls({ sessionId })
  assert.equal(seen.printed, `${sessionId}\n`)
  assert.equal(seen.flood, true)
  assert.equal(seen.returned, true)
  assert.equal(seen.kept, 'kept\n')
  assert.deepEqual(seen.command, { stdout: 'over TLS\n', exitCode: 3 })
  assert.ok(seen.runtimes.includes(suite.runtimeArn))
})

test('tls: a shell opens with a token in the subprotocol, and the metadata that a refusal names is fetched by https', async () => {
  const issuer = await new Issuer().start()
  try {
    const runtimeArn = await newTokenRuntime(issuer, { allowedClients: ['app'] })
    const seen = await overTls({ runtimeArn, bearerToken: issuer.sign() })
    assert.equal(seen.printed, 'by token\n')
    assert.ok(seen.challenge.startsWith(`Bearer resource_metadata="${suite.server.tlsEndpoint}/runtimes/`), seen.challenge)
    assert.ok(seen.resource.startsWith(`${suite.server.tlsEndpoint}/runtimes/`), seen.resource)
  } finally {
    await issuer.stop()
  }
})

test('tls: a client that does not know the authority refuses the server', async () => {
  const seen = await overTls({ sessionId: newSessionId(), expectRefusal: true }, { NODE_EXTRA_CA_CERTS: '' })
  assert.match(seen.refusal, /unable to verify|self[- ]signed|UNABLE_TO_VERIFY|unable to get local issuer/i)
})

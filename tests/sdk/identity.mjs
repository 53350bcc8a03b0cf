// Who may do what, through the official clients: limited and revoked keys, and runtimes that take bearer tokens.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import { WebSocket } from 'ws'
import { newClient, runCommand } from './lib/commands.mjs'
import { Issuer } from './lib/issuer.mjs'
import { within } from './lib/patience.mjs'
import { signedHeaders } from './lib/signing.mjs'
import { socketAgent } from './lib/socket-agent.mjs'
import { credentials, newSessionId, openTerminal, suite, test } from './lib/suite.mjs'
import { newTokenRuntime } from './lib/token-runtime.mjs'

const issuer = new Issuer()
before(() => issuer.start())
after(() => issuer.stop())

/** Asks the server's own API. */
async function own(method, path, body = '') {
  const url = `${suite.server.endpoint}/porthole/v1/${path}`
  const headers = await signedHeaders({ method, url, body, region: suite.region, credentials: await credentials() })
  const answer = await fetch(url, { method, headers, body: method === 'POST' ? body : undefined })
  assert.ok(answer.ok, `${answer.status} ${await answer.clone().text()}`)
  return answer.json()
}

/** A key that may do some actions on the shared runtime. */
async function newKey(...actions) {
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action: actions, Resource: `${suite.runtimeArn}*` }] })
  const { accessKeyId, secretAccessKey } = await own('POST', 'credentials', JSON.stringify({ name: 'limited', policy }))
  return { accessKeyId, secretAccessKey }
}

const oauth = (claims) => ({ type: 'oauth', bearerToken: issuer.sign(claims) })

test('identity: a limited key does what its policy allows, and is refused the rest with AccessDeniedException', async () => {
  const client = newClient({ credentials: await newKey('bedrock-agentcore:InvokeAgentRuntimeCommand') })
  try {
    assert.equal((await runCommand('echo allowed', { sessionId: newSessionId(), client })).stdout, 'allowed\n')
    const shells = new RuntimeClient({ credentialsProvider: async () => client.config.credentials() })
    await assert.rejects(openTerminal({ client: shells }), /HTTP 403/)
  } finally {
    client.destroy()
  }

  const other = newClient({ credentials: await newKey('bedrock-agentcore:InvokeAgentRuntimeCommandShell') })
  try {
    const error = await runCommand('true', { sessionId: newSessionId(), client: other }).then(() => assert.fail('it was not refused'), (error) => error)
    assert.equal(error.name, 'AccessDeniedException')
    assert.match(error.message, /\(limited\) is not authorized to perform bedrock-agentcore:InvokeAgentRuntimeCommand on .*: no policy allows it/)
  } finally {
    other.destroy()
  }
})

test('identity: a revoked key is refused at once', async () => {
  const key = await newKey('bedrock-agentcore:*')
  const client = newClient({ credentials: key })
  try {
    const sessionId = newSessionId()
    assert.equal((await runCommand('echo before', { sessionId, client })).stdout, 'before\n')
    await own('DELETE', `credentials/${key.accessKeyId}`)
    await assert.rejects(runCommand('echo after', { sessionId, client }), { name: 'AccessDeniedException', message: /was revoked/ })
  } finally {
    client.destroy()
  }
})

test('identity: a shell opens with a token in the subprotocol, as a browser opens it, and comes back', async () => {
  const runtimeArn = await newTokenRuntime(issuer, { allowedClients: ['app'] })
  const sessionId = newSessionId()
  const terminal = await (await openTerminal({ runtimeArn, sessionId, shellId: 'oauth', auth: oauth() })).quiet()
  assert.equal(await terminal.run('echo $PORTHOLE_SESSION_ID; kept=yes'), `${sessionId}\n`)
  const again = await (await openTerminal({ runtimeArn, sessionId, shellId: 'oauth', auth: oauth() })).quiet()
  assert.equal(again.shell.reconnected, true)
  assert.equal(await again.run('echo $kept'), 'yes\n')
  await again.shell.close()
})

test('identity: a bad token, a token for somebody else and a signature are refused', async () => {
  const runtimeArn = await newTokenRuntime(issuer, { allowedClients: ['app'] })
  const past = Math.floor(Date.now() / 1000) - 3600
  await assert.rejects(openTerminal({ runtimeArn, auth: oauth({ exp: past }) }), /HTTP 401/)
  await assert.rejects(openTerminal({ runtimeArn, auth: oauth({ client_id: 'other' }) }), /HTTP 401/)
  await assert.rejects(openTerminal({ runtimeArn }), /HTTP 403/)
  await assert.rejects(openTerminal({ auth: oauth() }), /HTTP 403/)
})

test('identity: a command runs with a token in the header, and without one the answer says where to get it', async () => {
  const runtimeArn = await newTokenRuntime(issuer, { allowedScopes: ['run'] })
  const url = `${suite.server.endpoint}/runtimes/${encodeURIComponent(runtimeArn)}/commands`
  const ask = (headers) => fetch(url, { method: 'POST', headers: { 'content-type': 'application/json', ...headers }, body: '{"command":"echo by token"}' })

  const good = await ask({ authorization: `Bearer ${issuer.sign({ scope: 'read run' })}` })
  assert.equal(good.status, 200)
  assert.match(await good.text(), /by token\\n/)

  const without = await ask({})
  assert.equal(without.status, 401)
  assert.equal(without.headers.get('x-amzn-errortype'), 'UnauthorizedException')
  const challenge = without.headers.get('www-authenticate')
  assert.match(challenge, /^Bearer resource_metadata="http:[^"]+\/invocations\/\.well-known\/oauth-protected-resource\?qualifier=DEFAULT"$/)
  const metadata = await (await fetch(challenge.match(/"(.*)"/)[1])).json()
  assert.deepEqual(metadata.authorization_servers, [issuer.name])
  assert.deepEqual(metadata.scopes_supported, ['run'])
  assert.ok(challenge.includes(metadata.resource))

  const bad = await ask({ authorization: `Bearer ${issuer.sign({ scope: 'read' })}` })
  assert.equal(bad.status, 401)
  assert.match(bad.headers.get('www-authenticate'), /^Bearer error="invalid_token", resource_metadata="/)
  assert.match((await bad.json()).message, /none of the scopes/)
})

/** Opens a WebSocket to a runtime's agent: what is answered to one message and the subprotocol, or the status of the refusal. */
function talk(runtimeArn, { headers, protocols } = {}) {
  const url = `${suite.server.endpoint.replace('http', 'ws')}/runtimes/${encodeURIComponent(runtimeArn)}/ws`
  const socket = new WebSocket(url, protocols, { headers })
  return within(new Promise((resolve, reject) => {
    socket.once('open', () => socket.send('hello'))
    socket.once('message', (data) => {
      resolve({ answer: data.toString(), protocol: socket.protocol })
      socket.close(1000)
    })
    socket.once('unexpected-response', (request, response) => {
      resolve({ refusal: response.statusCode, challenge: response.headers['www-authenticate'] })
      request.destroy()
    })
    socket.once('error', reject)
  }), 'an answer')
}

const subprotocols = (token) => [`base64UrlBearerAuthorization.${Buffer.from(token).toString('base64url')}`, 'base64UrlBearerAuthorization']

test("identity: a token in the header, or for a WebSocket in the subprotocol, reaches a runtime's agent, and no bad one does", async () => {
  const runtimeArn = await newTokenRuntime(issuer, { allowedClients: ['app'] }, { environmentVariables: socketAgent })
  const sessionId = newSessionId()
  const session = { 'x-amzn-bedrock-agentcore-runtime-session-id': sessionId }
  const url = `${suite.server.endpoint}/runtimes/${encodeURIComponent(runtimeArn)}/invocations`
  const invoke = (headers) => fetch(url, { method: 'POST', headers: { ...session, ...headers }, body: 'by token' })
  const bearer = (token) => ({ authorization: `Bearer ${token}` })

  const good = await invoke(bearer(issuer.sign()))
  assert.equal(good.status, 200, await good.clone().text())
  assert.equal(await good.text(), 'by token')
  assert.deepEqual(await talk(runtimeArn, { headers: { ...session, ...bearer(issuer.sign()) } }), { answer: `hello ${sessionId}`, protocol: '' })
  assert.deepEqual(await talk(runtimeArn, { headers: session, protocols: subprotocols(issuer.sign()) }),
    { answer: `hello ${sessionId}`, protocol: 'base64UrlBearerAuthorization' })

  for (const [what, token] of Object.entries(issuer.badTokens())) {
    const refused = await invoke(bearer(token))
    assert.equal(refused.status, 401, what)
    assert.equal(refused.headers.get('x-amzn-errortype'), 'UnauthorizedException', what)
    for (const by of [{ headers: bearer(token) }, { protocols: subprotocols(token) }]) {
      const { refusal, challenge } = await talk(runtimeArn, by)
      assert.equal(refusal, 401, what)
      assert.match(challenge, /^Bearer error="invalid_token", resource_metadata="/, what)
    }
  }

  const signed = await signedHeaders({ method: 'POST', url, body: 'by token', region: suite.region, credentials: await credentials() })
  assert.equal((await invoke(signed)).status, 403)
})

test('identity: a runtime that is not ready says so to those who have a token, and nothing to the others', async () => {
  const runtimeArn = await newTokenRuntime(issuer, {}, {
    until: 'CREATE_FAILED', agentRuntimeArtifact: { containerConfiguration: { containerUri: `oci:${suite.server.dataDirectory}/inbox/nothing` } },
  })
  const url = `${suite.server.endpoint}/runtimes/${encodeURIComponent(runtimeArn)}/invocations`
  const ask = (headers) => fetch(url, { method: 'POST', headers, body: '{}' })

  const answer = await ask({ authorization: `Bearer ${issuer.sign()}` })
  assert.equal(answer.status, 400)
  assert.equal(answer.headers.get('x-amzn-errortype'), 'ValidationException')
  assert.match((await answer.json()).message, /is not ready: .*inbox/)
  assert.equal((await talk(runtimeArn, { protocols: subprotocols(issuer.sign()) })).refusal, 400)

  const without = await ask({})
  assert.equal(without.status, 401)
  const metadata = await fetch(without.headers.get('www-authenticate').match(/"(.*)"/)[1])
  assert.equal(metadata.status, 200)

  // An endpoint that does not exist is told to the same people.
  const unknown = await fetch(`${url}?qualifier=nowhere`, { method: 'POST', headers: { authorization: `Bearer ${issuer.sign()}` }, body: '{}' })
  assert.equal(unknown.status, 404)
})

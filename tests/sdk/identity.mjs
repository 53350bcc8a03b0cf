// Who may do what, through the official clients: limited and revoked keys, and runtimes that take bearer tokens.
import assert from 'node:assert/strict'
import { after, before } from 'node:test'
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import { newClient, runCommand } from './lib/commands.mjs'
import { Issuer } from './lib/issuer.mjs'
import { signedHeaders } from './lib/signing.mjs'
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

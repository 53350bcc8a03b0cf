// Agents through the official clients: invocations of the sample agent, streams, failures, and a WebSocket.
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BedrockAgentCoreClient, GetAgentCardCommand, InvokeAgentRuntimeCommand } from '@aws-sdk/client-bedrock-agentcore'
import * as control from '@aws-sdk/client-bedrock-agentcore-control'
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import { until, within } from './lib/patience.mjs'
import { socketAgent } from './lib/socket-agent.mjs'
import { newSessionId, suite } from './lib/suite.mjs'

const SAMPLE = fs.readFileSync(fileURLToPath(new URL('../../samples/http-agent/agent.py', import.meta.url)), 'utf8')

let clients
const connect = () => (clients ??= { data: new BedrockAgentCoreClient(), control: new control.BedrockAgentCoreControlClient() })

after(() => {
  clients?.data.destroy()
  clients?.control.destroy()
})

/** Makes a runtime and waits until it is ready. */
async function create(agentRuntimeArtifact, environmentVariables, fields = {}) {
  const client = connect().control
  const { agentRuntimeId, agentRuntimeArn } = await client.send(new control.CreateAgentRuntimeCommand({
    agentRuntimeName: `agent_${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    agentRuntimeArtifact,
    roleArn: 'arn:aws:iam::000000000000:role/agent',
    networkConfiguration: { networkMode: 'PUBLIC' },
    environmentVariables,
    ...fields,
  }))
  await until('the runtime to be ready', async () => {
    const runtime = await client.send(new control.GetAgentRuntimeCommand({ agentRuntimeId }))
    assert.notEqual(runtime.status, 'CREATE_FAILED', runtime.failureReason)
    return runtime.status === 'READY'
  })
  return agentRuntimeArn
}

/** Makes a runtime on the host's tools with an agent. */
const deploy = (environmentVariables, fields) => create({ containerConfiguration: { containerUri: 'host' } }, environmentVariables, fields)

/** Where the server takes images and code from. */
const inbox = (...names) => path.join(suite.server.dataDirectory, 'inbox', ...names)

/** Puts a file of code into a zip. */
function zip(name, file, source) {
  const directory = fs.mkdtempSync(path.join(suite.directory, 'code-'))
  fs.writeFileSync(path.join(directory, file), source)
  execFileSync('python3', ['-m', 'zipfile', '-c', inbox(name), file], { cwd: directory })
  return { s3: { bucket: inbox(), prefix: name } }
}

const sample = () => deploy({ PORTHOLE_AGENT_COMMAND: 'exec python3 -c "$AGENT_SOURCE"', AGENT_SOURCE: SAMPLE })

function invoke(agentRuntimeArn, prompt, { runtimeSessionId = newSessionId(), ...fields } = {}) {
  return connect().data.send(new InvokeAgentRuntimeCommand({
    agentRuntimeArn, runtimeSessionId, contentType: 'application/json', payload: new TextEncoder().encode(JSON.stringify({ prompt })), ...fields,
  }))
}

test('agents: an invocation reaches the agent of a new session, and its answer the client', async () => {
  const runtimeSessionId = newSessionId()
  const answer = await invoke(await sample(), 'Grüße', { runtimeSessionId })
  assert.equal(answer.statusCode, 200)
  assert.equal(answer.contentType, 'application/json')
  assert.equal(answer.runtimeSessionId, runtimeSessionId)
  assert.deepEqual(JSON.parse(await answer.response.transformToString()), { result: 'You said: Grüße' })
})

test('agents: a stream of events keeps its type and its events', async () => {
  const answer = await invoke(await sample(), 'one two', { accept: 'text/event-stream' })
  assert.equal(answer.contentType, 'text/event-stream')
  const words = (await answer.response.transformToString()).split('\n\n').filter(Boolean).map((line) => JSON.parse(line.replace('data: ', '')))
  assert.deepEqual(words, ['You', 'said:', 'one', 'two'])
})

test('agents: an error of the agent is a RuntimeClientError that hides what it said', async () => {
  const error = await invoke(await sample(), 'x', { payload: new TextEncoder().encode('no JSON') }).then(() => assert.fail('it was not refused'), (error) => error)
  assert.equal(error.name, 'RuntimeClientError', error)
  assert.equal(error.$metadata.httpStatusCode, 424)
  assert.match(error.message, /^Received error \(400\) from runtime\./)
})

test('agents: an image of another C library is deployed and invoked', async () => {
  execFileSync(fileURLToPath(new URL('../images/build', import.meta.url)), ['alpine', inbox('image'), 'agent:tools'], { stdio: 'inherit' })
  const arn = await create({ containerConfiguration: { containerUri: `oci:${inbox('image')}:agent-tools` } }, { REPLACED: 'runtime' })
  const answer = await invoke(arn, '', { payload: new TextEncoder().encode('hello') })
  const seen = JSON.parse(await answer.response.transformToString())
  assert.equal(seen.asked, 'hello')
  assert.equal(seen.directory, '/srv/work')
  assert.equal(seen.environment.REPLACED, 'runtime')
  if (process.getuid() === 0) assert.deepEqual([seen.user, seen.group], [4001, 4002])
})

test('agents: code of Python and of Node.js is deployed from a zip and invoked', async () => {
  const python = await create({ codeConfiguration: { code: zip('python.zip', 'main.py', SAMPLE), runtime: 'PYTHON_3_11', entryPoint: ['main.py'] } })
  assert.deepEqual(JSON.parse(await (await invoke(python, 'zip')).response.transformToString()), { result: 'You said: zip' })
  const source = "require('http').createServer((request, response) => response.end(JSON.stringify({ status: 'Healthy', cwd: process.cwd() }))).listen(8080)"
  const node = await create({ codeConfiguration: { code: zip('node.zip', 'main.js', source), runtime: 'NODE_22', entryPoint: ['main.js'] } })
  assert.equal(JSON.parse(await (await invoke(node, '')).response.transformToString()).cwd, '/var/task')
})

test('agents: the card of an agent that speaks A2A is got', async () => {
  const card = { name: 'box', version: '1.0.0', skills: [] }
  const source = `require('http').createServer((request, response) => {
    response.setHeader('content-type', 'application/json')
    response.end(JSON.stringify(request.url === '/.well-known/agent-card.json' ? ${JSON.stringify(card)} : { status: 'Healthy' }))
  }).listen(9000)`
  const agentRuntimeArn = await deploy({ PORTHOLE_AGENT_COMMAND: 'exec node -e "$AGENT_SOURCE"', AGENT_SOURCE: source }, { protocolConfiguration: { serverProtocol: 'A2A' } })
  const runtimeSessionId = newSessionId()
  const answer = await connect().data.send(new GetAgentCardCommand({ agentRuntimeArn, runtimeSessionId }))
  assert.deepEqual(answer.agentCard, card)
  assert.equal(answer.runtimeSessionId, runtimeSessionId)
})

test("agents: the TypeScript SDK's WebSocket reaches the agent's", async () => {
  const runtimeArn = await deploy(socketAgent)
  const sessionId = newSessionId()
  const { url, headers } = await suite.client.generateWsConnection({ runtimeArn, sessionId })
  const socket = new WebSocket(url, { headers })
  const next = () => within(new Promise((resolve, reject) => {
    socket.once('message', (data, isBinary) => resolve([data.toString(), isBinary]))
    socket.once('error', reject)
    socket.once('unexpected-response', (_, response) => reject(new Error(`HTTP ${response.statusCode}`)))
  }), 'a message')
  const first = next()
  socket.once('open', () => socket.send('hello'))
  assert.deepEqual(await first, [`hello ${sessionId}`, false])
  const second = next()
  socket.send(Buffer.from('bytes'))
  assert.deepEqual(await second, [`bytes ${sessionId}`, true])
  const closed = new Promise((resolve) => socket.once('close', resolve))
  socket.close(1000)
  assert.equal(await within(closed, 'the close'), 1000)
})

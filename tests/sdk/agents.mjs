// Agents through the official clients: invocations of the sample agent, streams, failures, and a WebSocket.
import assert from 'node:assert/strict'
import fs from 'node:fs'
import { after, test } from 'node:test'
import { fileURLToPath } from 'node:url'
import { BedrockAgentCoreClient, InvokeAgentRuntimeCommand } from '@aws-sdk/client-bedrock-agentcore'
import * as control from '@aws-sdk/client-bedrock-agentcore-control'
import { randomUUID } from 'node:crypto'
import { WebSocket } from 'ws'
import { until, within } from './lib/patience.mjs'
import { newSessionId, suite } from './lib/suite.mjs'

const SAMPLE = fs.readFileSync(fileURLToPath(new URL('../../samples/http-agent/agent.py', import.meta.url)), 'utf8')

// Answers /ping, and sends each short message of a WebSocket back with its session's id.
const SOCKET_AGENT = `
const { createHash } = require('crypto')
const server = require('http').createServer((request, response) => response.end('{"status": "Healthy"}'))
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n')
  socket.on('data', (frame) => {
    const size = frame[1] & 127
    const payload = Buffer.from(frame.subarray(6, 6 + size).map((byte, at) => byte ^ frame[2 + (at & 3)]))
    const answer = (frame[0] & 15) === 8 ? payload : Buffer.concat([payload, Buffer.from(' ' + request.headers['x-amzn-bedrock-agentcore-runtime-session-id'])])
    socket.write(Buffer.concat([Buffer.from([frame[0], answer.length]), answer]))
  })
})
server.listen(8080)
`

let clients
const connect = () => (clients ??= { data: new BedrockAgentCoreClient(), control: new control.BedrockAgentCoreControlClient() })

after(() => {
  clients?.data.destroy()
  clients?.control.destroy()
})

/** Makes a runtime on the host's tools with an agent, and waits until it is ready. */
async function deploy(command, source) {
  const client = connect().control
  const { agentRuntimeId, agentRuntimeArn } = await client.send(new control.CreateAgentRuntimeCommand({
    agentRuntimeName: `agent_${randomUUID().replaceAll('-', '').slice(0, 20)}`,
    agentRuntimeArtifact: { containerConfiguration: { containerUri: 'host' } },
    roleArn: 'arn:aws:iam::000000000000:role/agent',
    networkConfiguration: { networkMode: 'PUBLIC' },
    environmentVariables: { PORTHOLE_AGENT_COMMAND: command, AGENT_SOURCE: source },
  }))
  await until('the runtime to be ready', async () => (await client.send(new control.GetAgentRuntimeCommand({ agentRuntimeId }))).status === 'READY')
  return agentRuntimeArn
}

const sample = () => deploy('exec python3 -c "$AGENT_SOURCE"', SAMPLE)

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

test("agents: the TypeScript SDK's WebSocket reaches the agent's", async () => {
  const runtimeArn = await deploy('exec node -e "$AGENT_SOURCE"', SOCKET_AGENT)
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

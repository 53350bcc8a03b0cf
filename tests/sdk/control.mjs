// The control plane through the official client: runtimes, their versions and endpoints, tags and policies.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { BedrockAgentCoreClient, InvokeAgentRuntimeCommandCommand } from '@aws-sdk/client-bedrock-agentcore'
import * as control from '@aws-sdk/client-bedrock-agentcore-control'
import { newSessionId } from './lib/suite.mjs'
import { until } from './lib/patience.mjs'

const ROLE = 'arn:aws:iam::000000000000:role/agent'
const HOST = { containerConfiguration: { containerUri: 'host' } }
const PUBLIC = { networkMode: 'PUBLIC' }

let client
const ask = (command) => (client ??= new control.BedrockAgentCoreControlClient()).send(command)
const newName = () => `sdk_${randomUUID().replaceAll('-', '').slice(0, 20)}`

after(() => client?.destroy())

/** Creates a runtime on the host's tools. */
const create = (fields = {}) => ask(new control.CreateAgentRuntimeCommand(
  { agentRuntimeName: newName(), agentRuntimeArtifact: HOST, roleArn: ROLE, networkConfiguration: PUBLIC, ...fields }))

const get = (agentRuntimeId, agentRuntimeVersion) => ask(new control.GetAgentRuntimeCommand({ agentRuntimeId, agentRuntimeVersion }))

/** Waits until nothing is under way any more. */
const settled = (agentRuntimeId) => until(`${agentRuntimeId} to settle`, async () => {
  const runtime = await get(agentRuntimeId)
  return !['CREATING', 'UPDATING', 'DELETING'].includes(runtime.status) && runtime
})

const ready = async (fields) => settled((await create(fields)).agentRuntimeId)

const gone = (agentRuntimeId) => until(`${agentRuntimeId} to be gone`, () =>
  get(agentRuntimeId).then(() => false, (error) => assert.equal(error.name, 'ResourceNotFoundException') ?? true))

/** Runs a command in a session of a runtime. */
async function run(agentRuntimeArn, command, { runtimeSessionId = newSessionId(), qualifier } = {}) {
  const data = new BedrockAgentCoreClient()
  try {
    const answer = await data.send(new InvokeAgentRuntimeCommandCommand({ agentRuntimeArn, runtimeSessionId, qualifier, body: { command } }))
    let stdout = ''
    for await (const { chunk } of answer.stream) stdout += chunk?.contentDelta?.stdout ?? ''
    return stdout
  } finally {
    data.destroy()
  }
}

async function refused(command, name, status, pattern = /./) {
  const error = await ask(command).then(() => assert.fail('it was not refused'), (error) => error)
  assert.equal(error.name, name, error)
  assert.equal(error.$metadata.httpStatusCode, status)
  assert.match(error.message, pattern)
  return error
}

test('control: a runtime is created, becomes ready and runs commands', async () => {
  const agentRuntimeName = newName()
  const answer = await create({ agentRuntimeName, description: 'for tests', environmentVariables: { GREETING: 'hello from the runtime' } })
  assert.equal(answer.$metadata.httpStatusCode, 202)
  assert.equal(answer.status, 'CREATING')
  assert.equal(answer.agentRuntimeVersion, '1')
  assert.ok(answer.createdAt instanceof Date && Math.abs(answer.createdAt - Date.now()) < 60_000, answer.createdAt)

  const runtime = await settled(answer.agentRuntimeId)
  assert.equal(runtime.status, 'READY', runtime.failureReason)
  assert.equal(runtime.agentRuntimeName, agentRuntimeName)
  assert.equal(runtime.agentRuntimeArn, answer.agentRuntimeArn)
  assert.equal(runtime.description, 'for tests')
  assert.equal(runtime.roleArn, ROLE)
  assert.deepEqual(runtime.agentRuntimeArtifact, HOST)
  assert.deepEqual(runtime.networkConfiguration, PUBLIC)
  assert.deepEqual(runtime.lifecycleConfiguration, { idleRuntimeSessionTimeout: 900, maxLifetime: 28800 })
  assert.equal(await run(runtime.agentRuntimeArn, 'hostname; echo "$GREETING"'), `${agentRuntimeName}\nhello from the runtime\n`)
})

test('control: every runtime is listed once, over as many pages as it takes', async () => {
  const mine = []
  for (let i = 0; i < 3; i++) mine.push((await create()).agentRuntimeId)
  const listed = []
  for await (const page of control.paginateListAgentRuntimes({ client, pageSize: 2 }, {})) {
    assert.ok(page.agentRuntimes.length <= 2)
    listed.push(...page.agentRuntimes)
  }
  const ids = listed.map((runtime) => runtime.agentRuntimeId)
  assert.equal(new Set(ids).size, ids.length)
  for (const id of mine) assert.ok(ids.includes(id), id)
  for (const runtime of listed) assert.equal(typeof runtime.description, 'string')
  await refused(new control.ListAgentRuntimesCommand({ maxResults: 101 }), 'ValidationException', 400, /maxResults/)
  await refused(new control.ListAgentRuntimesCommand({ nextToken: '!' }), 'ValidationException', 400, /nextToken/)
})

test('control: a deleted runtime ends its sessions and is gone', async () => {
  const runtime = await ready()
  const runtimeSessionId = newSessionId()
  await run(runtime.agentRuntimeArn, 'true', { runtimeSessionId })
  const answer = await ask(new control.DeleteAgentRuntimeCommand({ agentRuntimeId: runtime.agentRuntimeId }))
  assert.equal(answer.$metadata.httpStatusCode, 202)
  assert.equal(answer.status, 'DELETING')
  await gone(runtime.agentRuntimeId)
  await assert.rejects(run(runtime.agentRuntimeArn, 'true', { runtimeSessionId }), { name: 'ResourceNotFoundException' })
  await refused(new control.DeleteAgentRuntimeCommand({ agentRuntimeId: runtime.agentRuntimeId }), 'ResourceNotFoundException', 404)
})

test('control: an image that cannot be had fails the runtime with a reason', async () => {
  const runtime = await ready({ agentRuntimeArtifact: { containerConfiguration: { containerUri: 'oci:/nowhere/at/all' } } })
  assert.equal(runtime.status, 'CREATE_FAILED')
  assert.match(runtime.failureReason, /./)
  await assert.rejects(run(runtime.agentRuntimeArn, 'true'), { name: 'ValidationException', message: /not ready/ })
})

test('control: the same token and request is one runtime, the same token and another request is refused', async () => {
  const clientToken = randomUUID()
  const request = { agentRuntimeName: newName(), clientToken }
  const first = await create(request)
  const second = await create(request)
  assert.deepEqual({ ...second, $metadata: null }, { ...first, $metadata: null })
  const error = await refused(new control.CreateAgentRuntimeCommand(
    { ...request, agentRuntimeArtifact: HOST, roleArn: `${ROLE}2`, networkConfiguration: PUBLIC }), 'ValidationException', 400, /clientToken/)
  assert.equal(error.reason, 'IdempotentParameterMismatchException')
})

test('control: a name is taken once, and what is not settled is not changed', async () => {
  const agentRuntimeName = newName()
  const { agentRuntimeId } = await create({ agentRuntimeName })
  await refused(new control.CreateAgentRuntimeCommand(
    { agentRuntimeName, agentRuntimeArtifact: HOST, roleArn: ROLE, networkConfiguration: PUBLIC }), 'ConflictException', 409, new RegExp(agentRuntimeName))
  await settled(agentRuntimeId)
})

test('control: wrong fields are named, all of them at once', async () => {
  const error = await refused(new control.CreateAgentRuntimeCommand({
    agentRuntimeName: '1x', agentRuntimeArtifact: {}, roleArn: ROLE, networkConfiguration: { networkMode: 'LAN' },
    lifecycleConfiguration: { idleRuntimeSessionTimeout: 600, maxLifetime: 300 },
  }), 'ValidationException', 400)
  assert.equal(error.reason, 'FieldValidationFailed')
  assert.deepEqual(error.fieldList.map((field) => field.name).sort(), [
    'agentRuntimeArtifact.containerConfiguration', 'agentRuntimeName', 'lifecycleConfiguration.idleRuntimeSessionTimeout', 'networkConfiguration.networkMode',
  ])
})

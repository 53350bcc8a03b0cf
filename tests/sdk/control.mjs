// The control plane through the official client: runtimes, their versions and endpoints, tags and policies.
import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { after, test } from 'node:test'
import { BedrockAgentCoreClient, InvokeAgentRuntimeCommandCommand } from '@aws-sdk/client-bedrock-agentcore'
import * as control from '@aws-sdk/client-bedrock-agentcore-control'
import { fromIni } from '@aws-sdk/credential-providers'
import { newSessionId, openTerminal, suite, withServer } from './lib/suite.mjs'
import { until } from './lib/patience.mjs'

const ROLE = 'arn:aws:iam::000000000000:role/agent'
const HOST = { containerConfiguration: { containerUri: 'host' } }
const PUBLIC = { networkMode: 'PUBLIC' }

let client
const ask = (command) => (client ??= new control.BedrockAgentCoreControlClient()).send(command)
const newName = () => `sdk_${randomUUID().replaceAll('-', '').slice(0, 20)}`

after(() => client?.destroy())

/** An image that is not where images may come from. */
const missing = () => `oci:${suite.server.dataDirectory}/inbox/nothing`

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

test('control: a shell of a deleted runtime is taken away, and the runtime waits for that', async () => {
  const { agentRuntimeId, agentRuntimeArn: runtimeArn } = await ready()
  const terminal = await (await openTerminal({ runtimeArn })).quiet()
  await ask(new control.DeleteAgentRuntimeCommand({ agentRuntimeId }))
  await terminal.finish()
  assert.equal(terminal.shell.exitCode, null, terminal.describe())
  await gone(agentRuntimeId)
})

test('control: an image that cannot be had fails the runtime with a reason', async () => {
  const runtime = await ready({ agentRuntimeArtifact: { containerConfiguration: { containerUri: missing() } } })
  assert.equal(runtime.status, 'CREATE_FAILED')
  assert.match(runtime.failureReason, /./)
  await assert.rejects(run(runtime.agentRuntimeArn, 'true'), { name: 'ValidationException', message: /not ready/ })
})

test('control: the same token and request is one runtime, the same token and another request is refused', async () => {
  const clientToken = randomUUID()
  const request = { agentRuntimeName: newName(), clientToken }
  const answers = [...await Promise.all([create(request), create(request)]), await settled((await create(request)).agentRuntimeId) && await create(request)]
  for (const answer of answers) assert.deepEqual({ ...answer, $metadata: null }, { ...answers[0], $metadata: null })
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

test('control: an update is a whole replacement and a new version, which DEFAULT serves', async () => {
  const runtime = await ready({ description: 'first', environmentVariables: { GREETING: 'one', OTHER: 'x' } })
  const { agentRuntimeId, agentRuntimeArn } = runtime
  const runtimeSessionId = newSessionId()
  assert.equal(await run(agentRuntimeArn, 'echo $GREETING', { runtimeSessionId }), 'one\n')

  const answer = await ask(new control.UpdateAgentRuntimeCommand(
    { agentRuntimeId, agentRuntimeArtifact: HOST, roleArn: ROLE, networkConfiguration: PUBLIC, environmentVariables: { GREETING: 'two' } }))
  assert.equal(answer.$metadata.httpStatusCode, 202)
  assert.equal(answer.agentRuntimeVersion, '2')
  assert.equal(answer.status, 'UPDATING')
  const updated = await settled(agentRuntimeId)
  assert.equal(updated.status, 'READY')
  assert.equal(updated.agentRuntimeVersion, '2')
  assert.equal(updated.description, undefined)
  assert.deepEqual(updated.environmentVariables, { GREETING: 'two' })

  assert.equal(await run(agentRuntimeArn, 'echo $GREETING', { runtimeSessionId }), 'one\n', 'a running session keeps its version')
  assert.equal(await run(agentRuntimeArn, 'echo $GREETING $OTHER'), 'two\n')

  const first = await get(agentRuntimeId, '1')
  assert.equal(first.agentRuntimeVersion, '1')
  assert.equal(first.description, 'first')
  const { agentRuntimes } = await ask(new control.ListAgentRuntimeVersionsCommand({ agentRuntimeId }))
  assert.deepEqual(agentRuntimes.map((entry) => [entry.agentRuntimeVersion, entry.status, entry.description]), [['1', 'READY', 'first'], ['2', 'READY', '']])
  const paged = []
  for await (const page of control.paginateListAgentRuntimeVersions({ client, pageSize: 1 }, { agentRuntimeId })) paged.push(...page.agentRuntimes)
  assert.deepEqual(paged.map((entry) => entry.agentRuntimeVersion), ['1', '2'])
  await refused(new control.GetAgentRuntimeCommand({ agentRuntimeId, agentRuntimeVersion: '3' }), 'ResourceNotFoundException', 404)
})

test('control: of two updates at once each makes a version, or is told to wait', async () => {
  const { agentRuntimeId } = await ready()
  const update = () => ask(new control.UpdateAgentRuntimeCommand({ agentRuntimeId, agentRuntimeArtifact: HOST, roleArn: ROLE, networkConfiguration: PUBLIC }))
  const results = await Promise.allSettled([update(), update(), update(), update()])
  const versions = results.filter(({ status }) => status === 'fulfilled').map(({ value }) => Number(value.agentRuntimeVersion)).sort()
  assert.deepEqual(versions, versions.map((_, i) => i + 2), 'no version was made twice')
  for (const { reason } of results.filter(({ status }) => status === 'rejected')) assert.equal(reason.name, 'ConflictException', reason)
  assert.equal((await settled(agentRuntimeId)).agentRuntimeVersion, String(1 + versions.length))
})

test('control: an update that fails leaves the version before in service', async () => {
  const { agentRuntimeId, agentRuntimeArn } = await ready({ environmentVariables: { GREETING: 'one' } })
  await ask(new control.UpdateAgentRuntimeCommand({
    agentRuntimeId, roleArn: ROLE, networkConfiguration: PUBLIC, agentRuntimeArtifact: { containerConfiguration: { containerUri: missing() } },
  }))
  const failed = await settled(agentRuntimeId)
  assert.equal(failed.status, 'UPDATE_FAILED')
  assert.match(failed.failureReason, /./)
  const endpoint = await ask(new control.GetAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: 'DEFAULT' }))
  assert.deepEqual([endpoint.status, endpoint.liveVersion, endpoint.targetVersion], ['UPDATE_FAILED', '1', '2'])
  assert.equal(endpoint.failureReason, failed.failureReason)
  assert.equal(await run(agentRuntimeArn, 'echo $GREETING'), 'one\n')
})

test('control: an endpoint stays at its version until it is moved', async () => {
  const { agentRuntimeId, agentRuntimeArn } = await ready({ environmentVariables: { GREETING: 'one' } })
  const name = 'production'
  const get = () => ask(new control.GetAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: name }))
  const ready_ = () => until('the endpoint to be ready', async () => (await get()).status === 'READY')
  const answer = await ask(new control.CreateAgentRuntimeEndpointCommand({ agentRuntimeId, name, description: 'for people', tags: { team: 'a' } }))
  assert.equal(answer.$metadata.httpStatusCode, 202)
  assert.deepEqual([answer.status, answer.targetVersion, answer.endpointName, answer.agentRuntimeId], ['CREATING', '1', name, agentRuntimeId])
  assert.equal(answer.agentRuntimeEndpointArn, `${agentRuntimeArn}/runtime-endpoint/${name}`)
  await ready_()

  await ask(new control.UpdateAgentRuntimeCommand(
    { agentRuntimeId, agentRuntimeArtifact: HOST, roleArn: ROLE, networkConfiguration: PUBLIC, environmentVariables: { GREETING: 'two' } }))
  await settled(agentRuntimeId)
  const before = await get()
  assert.deepEqual([before.liveVersion, before.targetVersion, before.description, before.name], ['1', '1', 'for people', name])
  assert.equal(await run(agentRuntimeArn, 'echo $GREETING', { qualifier: name }), 'one\n')
  assert.equal(await run(agentRuntimeArn, 'echo $GREETING'), 'two\n')

  const moved = await ask(new control.UpdateAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: name, agentRuntimeVersion: '2' }))
  assert.equal(moved.$metadata.httpStatusCode, 202)
  assert.deepEqual([moved.status, moved.liveVersion, moved.targetVersion], ['UPDATING', '1', '2'])
  await ready_()
  assert.deepEqual([(await get()).liveVersion, (await get()).description], ['2', 'for people'])
  assert.equal(await run(agentRuntimeArn, 'echo $GREETING', { qualifier: name }), 'two\n')

  const { runtimeEndpoints } = await ask(new control.ListAgentRuntimeEndpointsCommand({ agentRuntimeId }))
  assert.deepEqual(runtimeEndpoints.map((endpoint) => [endpoint.name, endpoint.liveVersion]), [['DEFAULT', '2'], [name, '2']])

  await refused(new control.CreateAgentRuntimeEndpointCommand({ agentRuntimeId, name }), 'ConflictException', 409)
  await refused(new control.CreateAgentRuntimeEndpointCommand({ agentRuntimeId, name: 'other', agentRuntimeVersion: '9' }), 'ResourceNotFoundException', 404)
  await refused(new control.UpdateAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: 'DEFAULT', agentRuntimeVersion: '1' }), 'ConflictException', 409)
  await refused(new control.DeleteAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: 'DEFAULT' }), 'ConflictException', 409)

  const deleted = await ask(new control.DeleteAgentRuntimeEndpointCommand({ agentRuntimeId, endpointName: name }))
  assert.deepEqual([deleted.$metadata.httpStatusCode, deleted.status, deleted.endpointName], [202, 'DELETING', name])
  await until('the endpoint to be gone', () => get().then(() => false, (error) => assert.equal(error.name, 'ResourceNotFoundException') ?? true))
  await assert.rejects(run(agentRuntimeArn, 'true', { qualifier: name }), { name: 'ResourceNotFoundException' })
})

test('control: tags of runtimes and endpoints are set, listed and taken away', async () => {
  const { agentRuntimeId, agentRuntimeArn: resourceArn } = await ready({ tags: { team: 'a', stage: 'test' } })
  const list = async () => (await ask(new control.ListTagsForResourceCommand({ resourceArn }))).tags
  assert.deepEqual(await list(), { team: 'a', stage: 'test' })
  assert.equal((await ask(new control.TagResourceCommand({ resourceArn, tags: { team: 'b', 'cost center': '1' } }))).$metadata.httpStatusCode, 204)
  assert.deepEqual(await list(), { team: 'b', stage: 'test', 'cost center': '1' })
  assert.equal((await ask(new control.UntagResourceCommand({ resourceArn, tagKeys: ['stage', 'cost center', 'absent'] }))).$metadata.httpStatusCode, 204)
  assert.deepEqual(await list(), { team: 'b' })
  const endpointArn = `${resourceArn}/runtime-endpoint/DEFAULT`
  await ask(new control.TagResourceCommand({ resourceArn: endpointArn, tags: { a: '1' } }))
  assert.deepEqual((await ask(new control.ListTagsForResourceCommand({ resourceArn: endpointArn }))).tags, { a: '1' })
  await refused(new control.ListTagsForResourceCommand({ resourceArn: `${resourceArn}/runtime-endpoint/absent` }), 'ResourceNotFoundException', 404)
  await refused(new control.TagResourceCommand({ resourceArn, tags: { 'porthole:isolation': 'none' } }), 'ValidationException', 400, /porthole:isolation/)
  await refused(new control.TagResourceCommand({ resourceArn, tags: Object.fromEntries(Array.from({ length: 50 }, (_, i) => [`t${i}`, ''])) }),
    'ServiceQuotaExceededException', 402)
  assert.deepEqual(await list(), { team: 'b' }, 'a refused request changes nothing')
  await ask(new control.DeleteAgentRuntimeCommand({ agentRuntimeId }))
  await gone(agentRuntimeId)
  await refused(new control.ListTagsForResourceCommand({ resourceArn }), 'ResourceNotFoundException', 404)
})

test('control: a resource policy is put, read and taken away', async () => {
  const { agentRuntimeArn: resourceArn } = await ready()
  const policy = JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Principal: '*', Action: 'bedrock-agentcore:InvokeAgentRuntime', Resource: resourceArn }] })
  await refused(new control.GetResourcePolicyCommand({ resourceArn }), 'ResourceNotFoundException', 404)
  const put = await ask(new control.PutResourcePolicyCommand({ resourceArn, policy }))
  assert.deepEqual([put.$metadata.httpStatusCode, put.policy], [201, policy])
  assert.equal((await ask(new control.GetResourcePolicyCommand({ resourceArn }))).policy, policy)
  await refused(new control.PutResourcePolicyCommand({ resourceArn, policy: 'no json' }), 'ValidationException', 400, /policy/)
  assert.equal((await ask(new control.DeleteResourcePolicyCommand({ resourceArn }))).$metadata.httpStatusCode, 204)
  await refused(new control.DeleteResourcePolicyCommand({ resourceArn }), 'ResourceNotFoundException', 404)
})

test('control: a runtime in a VPC reaches nothing outside', async () => {
  const { agentRuntimeArn } = await ready({ networkConfiguration: { networkMode: 'VPC', networkModeConfig: { securityGroups: ['sg-12345678'], subnets: ['subnet-12345678'] } } })
  assert.equal(await run(agentRuntimeArn, "sed -n '3,$s/:.*//p' /proc/net/dev | tr -d ' '"), 'lo\n')
})

test('control: an old version can be deleted, one in service cannot', async () => {
  const { agentRuntimeId } = await ready()
  await ask(new control.UpdateAgentRuntimeCommand({ agentRuntimeId, agentRuntimeArtifact: HOST, roleArn: ROLE, networkConfiguration: PUBLIC }))
  await settled(agentRuntimeId)
  await refused(new control.DeleteAgentRuntimeCommand({ agentRuntimeId, agentRuntimeVersion: '2' }), 'ConflictException', 409, /DEFAULT/)
  const answer = await ask(new control.DeleteAgentRuntimeCommand({ agentRuntimeId, agentRuntimeVersion: '1' }))
  assert.deepEqual([answer.status, answer.agentRuntimeVersion], ['DELETING', '1'])
  await until('version 1 to be gone', () => get(agentRuntimeId, '1').then(() => false, (error) => assert.equal(error.name, 'ResourceNotFoundException') ?? true))
  assert.equal((await get(agentRuntimeId)).agentRuntimeVersion, '2')
})

test('control: who asks too often is told to wait, and the client waits', async () => {
  await withServer('throttled', async (server) => {
    const variables = await server.environment()
    const options = {
      endpoint: server.endpoint, region: variables.AWS_REGION, credentials: fromIni({ filepath: variables.AWS_SHARED_CREDENTIALS_FILE }),
    }
    const hasty = new control.BedrockAgentCoreControlClient({ ...options, maxAttempts: 1 })
    const patient = new control.BedrockAgentCoreControlClient({ ...options, maxAttempts: 5 })
    try {
      const answers = await Promise.allSettled(Array.from({ length: 20 }, () => hasty.send(new control.ListAgentRuntimesCommand())))
      const refusals = answers.filter(({ status }) => status === 'rejected').map(({ reason }) => reason)
      assert.ok(refusals.length > 0 && refusals.length < answers.length, `${refusals.length} of ${answers.length} were refused`)
      for (const error of refusals) assert.deepEqual([error.name, error.$metadata.httpStatusCode], ['ThrottlingException', 429])
      assert.ok((await patient.send(new control.ListAgentRuntimesCommand())).agentRuntimes.length > 0)
    } finally {
      hasty.destroy()
      patient.destroy()
    }
  }, { controlPlane: { maxListsPerSecond: 1 } })
})

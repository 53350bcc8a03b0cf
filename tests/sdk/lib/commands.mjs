// Commands and stop through the official AWS SDK.
import { BedrockAgentCoreClient, InvokeAgentRuntimeCommandCommand, StopRuntimeSessionCommand } from '@aws-sdk/client-bedrock-agentcore'
import { suite } from './suite.mjs'

/** Runs a command to its end. A session that starts or stops answers 409, which the SDK retries. */
export async function runCommand(command, { sessionId, timeout, client = newClient(), ...input } = {}) {
  const answer = await client.send(new InvokeAgentRuntimeCommandCommand({
    agentRuntimeArn: suite.runtimeArn, runtimeSessionId: sessionId, body: { command, timeout }, ...input,
  }))
  const result = { sessionId: answer.runtimeSessionId, stdout: '', stderr: '', events: [] }
  for await (const event of answer.stream) {
    const chunk = event.chunk
    result.events.push(Object.keys(chunk ?? event)[0])
    result.stdout += chunk?.contentDelta?.stdout ?? ''
    result.stderr += chunk?.contentDelta?.stderr ?? ''
    if (chunk?.contentStop) Object.assign(result, chunk.contentStop)
  }
  return result
}

export function stopSession(sessionId, { client = newClient(), ...input } = {}) {
  return client.send(new StopRuntimeSessionCommand({ agentRuntimeArn: suite.runtimeArn, runtimeSessionId: sessionId, ...input }))
}

/** A client as the environment configures it. */
export function newClient(configuration = {}) {
  return new BedrockAgentCoreClient(configuration)
}

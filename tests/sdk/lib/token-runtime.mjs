// Runtimes that take bearer tokens instead of signatures.
import { randomUUID } from 'node:crypto'
import * as control from '@aws-sdk/client-bedrock-agentcore-control'
import { until } from './patience.mjs'

/** Makes one that takes an issuer's tokens, and waits until it is ready, or in another state. */
export async function newTokenRuntime(issuer, rules = {}, { until: status = 'READY', ...fields } = {}) {
  const client = new control.BedrockAgentCoreControlClient()
  try {
    const { agentRuntimeId, agentRuntimeArn } = await client.send(new control.CreateAgentRuntimeCommand({
      agentRuntimeName: `oauth_${randomUUID().replaceAll('-', '').slice(0, 20)}`,
      agentRuntimeArtifact: { containerConfiguration: { containerUri: 'host' } },
      roleArn: 'arn:aws:iam::000000000000:role/agent',
      networkConfiguration: { networkMode: 'PUBLIC' },
      authorizerConfiguration: { customJWTAuthorizer: { discoveryUrl: issuer.discoveryUrl, ...rules } },
      ...fields,
    }))
    await until(`the runtime to be ${status}`, async () => (await client.send(new control.GetAgentRuntimeCommand({ agentRuntimeId }))).status === status)
    return agentRuntimeArn
  } finally {
    client.destroy()
  }
}

// Runtimes that take bearer tokens instead of signatures.
import { randomUUID } from 'node:crypto'
import * as control from '@aws-sdk/client-bedrock-agentcore-control'
import { until } from './patience.mjs'

/** Makes one that takes an issuer's tokens, and waits until it is ready. */
export async function newTokenRuntime(issuer, rules = {}) {
  const client = new control.BedrockAgentCoreControlClient()
  try {
    const { agentRuntimeId, agentRuntimeArn } = await client.send(new control.CreateAgentRuntimeCommand({
      agentRuntimeName: `oauth_${randomUUID().replaceAll('-', '').slice(0, 20)}`,
      agentRuntimeArtifact: { containerConfiguration: { containerUri: 'host' } },
      roleArn: 'arn:aws:iam::000000000000:role/agent',
      networkConfiguration: { networkMode: 'PUBLIC' },
      authorizerConfiguration: { customJWTAuthorizer: { discoveryUrl: issuer.discoveryUrl, ...rules } },
    }))
    await until('the runtime to be ready', async () => (await client.send(new control.GetAgentRuntimeCommand({ agentRuntimeId }))).status === 'READY')
    return agentRuntimeArn
  } finally {
    client.destroy()
  }
}

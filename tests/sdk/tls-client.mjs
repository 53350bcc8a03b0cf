// Run by tls.mjs with an environment that points at the server's TLS.
import { BedrockAgentCoreControlClient, paginateListAgentRuntimes } from '@aws-sdk/client-bedrock-agentcore-control'
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import { runCommand } from './lib/commands.mjs'
import { Terminal } from './lib/terminal.mjs'

const input = JSON.parse(process.argv[2])
const client = new RuntimeClient()

async function withSignatures({ sessionId }) {
  const runtimeArn = process.env.PORTHOLE_RUNTIME_ARN
  const open = async () => new Terminal(await client.openShell({ runtimeArn, sessionId, shellId: 'tls' }))
  const first = await (await open()).quiet()
  const printed = await first.run('X=kept; echo $PORTHOLE_SESSION_ID')
  const numbers = Array.from({ length: 200_000 }, (_, i) => `${i + 1}\n`).join('')
  const flood = await first.run('seq 200000') === numbers
  const second = await open()
  const kept = await second.run('echo $X')
  const { reconnected: returned } = second.shell
  await second.shell.close()
  const { stdout, exitCode } = await runCommand('echo over TLS; exit 3', { sessionId, agentRuntimeArn: runtimeArn })
  const runtimes = []
  for await (const page of paginateListAgentRuntimes({ client: new BedrockAgentCoreControlClient() }, {})) {
    runtimes.push(...page.agentRuntimes.map((runtime) => runtime.agentRuntimeArn))
  }
  return { printed, flood, returned, kept, command: { stdout, exitCode }, runtimes }
}

async function withToken({ runtimeArn, bearerToken }) {
  const terminal = await new Terminal(await client.openShell({ runtimeArn, auth: { type: 'oauth', bearerToken } })).quiet()
  const printed = await terminal.run('echo by token')
  await terminal.shell.close()
  const refused = await fetch(`${process.env.BEDROCK_AGENTCORE_DATA_PLANE_ENDPOINT}/runtimes/${encodeURIComponent(runtimeArn)}/commands`, { method: 'POST' })
  const challenge = refused.headers.get('www-authenticate')
  const metadata = await (await fetch(challenge.match(/"(.*)"/)[1])).json()
  return { printed, challenge, resource: metadata.resource }
}

const work = input.bearerToken ? withToken(input) : withSignatures(input)
const result = input.expectRefusal ? await work.then(() => ({ refusal: 'it was let in' }), (error) => ({ refusal: `${error} ${error.cause ?? ''}` })) : await work
process.stdout.write(JSON.stringify(result), () => process.exit())

// Run by presigned.mjs inside a network of its own: the official SDK with presigned URLs, and port 443.
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import WebSocket from 'ws'
import { openPort443 } from './lib/private-network.mjs'
import { Terminal } from './lib/terminal.mjs'

const { sessionId } = JSON.parse(process.argv[2])
await openPort443()
const runtimeArn = process.env.PORTHOLE_RUNTIME_ARN
const client = new RuntimeClient()
const ids = { runtimeArn, sessionId, shellId: 'presigned' }
const open = async () => new Terminal(await client.openShell({ ...ids, auth: { type: 'presigned', expires: 60 } }))

const first = await (await open()).quiet()
const printed = await first.run('X=kept; echo $PORTHOLE_SESSION_ID')
const second = await open()
const kept = await second.run('echo $X')
await second.shell.close()

const { url } = await client.connectShellPresigned(ids)
const refused = await new Promise((resolve) => {
  const changed = new WebSocket(url.replace('shellId=presigned', 'shellId=another'))
  changed.on('unexpected-response', (_, response) => resolve(`HTTP ${response.statusCode}`))
  changed.on('open', () => resolve('it was let in'))
})

const { sessionId: itsSession, shellId, reconnected: returned } = second.shell
process.stdout.write(JSON.stringify({ sessionId: itsSession, shellId, printed, returned, kept, query: new URL(url).search, refused }))
process.exit()

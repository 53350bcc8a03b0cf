// Run by presigned.mjs inside a network of its own: TLS on port 443, and the official SDK with presigned URLs.
import net from 'node:net'
import tls from 'node:tls'
import { RuntimeClient } from 'bedrock-agentcore/runtime'
import WebSocket from 'ws'
import { inside } from './lib/private-network.mjs'
import { Terminal } from './lib/terminal.mjs'

const { sessionId } = JSON.parse(process.argv[2])
const { socket, key, cert } = inside()
const front = tls.createServer({ key, cert }, (from) => {
  const to = net.connect(socket)
  from.pipe(to).pipe(from)
  from.on('error', () => to.destroy())
  to.on('error', () => from.destroy())
})
await new Promise((resolve) => front.listen(443, '127.0.0.1', resolve))

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

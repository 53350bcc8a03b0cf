// What a terminal does through the official SDK: open, type, resize, end, take over, come back.
import assert from 'node:assert/strict'
import { once } from 'node:events'
import { ShellChannel } from 'bedrock-agentcore/runtime'
import WebSocket from 'ws'
import { within } from './lib/patience.mjs'
import { signedHeaders } from './lib/signing.mjs'
import { credentials, newSessionId, openTerminal, suite, test } from './lib/suite.mjs'

test('a shell opens with signed headers, takes what is typed and shows what is printed', async () => {
  const sessionId = newSessionId()
  const terminal = await openTerminal({ sessionId, shellId: 'first' })
  assert.equal(terminal.shell.sessionId, sessionId)
  assert.equal(terminal.shell.shellId, 'first')
  assert.equal(terminal.shell.reconnected, false)
  await terminal.quiet()
  assert.equal(await terminal.run('echo $((6 * 7)); id -un; pwd; echo $PORTHOLE_SESSION_ID $PORTHOLE_SHELL_ID'), `42\nroot\n/\n${sessionId} first\n`)
  await terminal.shell.close()
})

test('UTF-8 goes in and comes out whole', async () => {
  const terminal = await (await openTerminal()).quiet()
  const words = 'Grüße, κόσμε, 你好, 🚀'
  assert.equal(await terminal.run(`echo '${words}'`), `${words}\n`)
  const many = '🚀é你'.repeat(20_000)
  assert.equal(await terminal.run(`for ((i = 0; i < 20000; i++)); do printf '🚀é你'; done`), many)
  await terminal.shell.close()
})

test('a resize is what stty and SIGWINCH see', async () => {
  const terminal = await (await openTerminal()).quiet()
  await terminal.run(`trap 'echo winch $(stty size)' WINCH`)
  await terminal.shell.resize(132, 43)
  await terminal.shell.send('\n')
  await terminal.until('winch 43 132\n')
  assert.equal(await terminal.run('stty size'), '43 132\n')
  await terminal.shell.close()
})

for (const [line, code, cause] of [
  ['exit', 0],
  ['exit 7', 7],
  ['kill -9 $$', 137, '9'],
  ['kill -HUP $$', 129, '1'],
]) {
  test(`the exit code of a shell that ends by '${line}' is ${code}`, async () => {
    const terminal = await (await openTerminal()).quiet()
    await terminal.shell.send(`echo last words; ${line}\n`)
    await terminal.finish()
    assert.equal(terminal.shell.exitCode, code, terminal.describe())
    assert.match(terminal.text, /last words\n(logout\n)?$/)
    const status = terminal.frames.filter((frame) => frame.channel === ShellChannel.STATUS).at(-1).json()
    const signal = status.details?.causes.find(({ reason }) => reason === 'Signal')?.message
    assert.equal(signal, cause)
  })
}

test('the 101 names both ids, also those that the server made up', async () => {
  const sessionId = newSessionId()
  const { url, headers } = await suite.client.connectShellSigV4({ runtimeArn: suite.runtimeArn, sessionId, shellId: 'named' })
  const ids = await idsOf(url, headers)
  assert.deepEqual(ids, [sessionId, 'named'])
  const bare = url.replace('shellId=named', '')
  const region = suite.region
  const [madeSession, madeShell] = await idsOf(bare, await signedHeaders({ method: 'GET', url: bare, region, credentials: await credentials() }))
  assert.match(madeSession, /^[A-Za-z0-9][A-Za-z0-9_-]{32,99}$/)
  assert.match(madeShell, /^[A-Za-z0-9][A-Za-z0-9_-]{0,127}$/)
})

// Connects with the library that the SDK uses, and reads the headers of the answer.
async function idsOf(url, headers) {
  const socket = new WebSocket(url, { headers })
  const [[response]] = await within(Promise.all([once(socket, 'upgrade'), once(socket, 'open')]), 'the 101')
  socket.terminate()
  return ['x-amzn-bedrock-agentcore-runtime-session-id', 'x-amzn-bedrock-agentcore-shell-id'].map((name) => response.headers[name])
}

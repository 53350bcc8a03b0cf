// Commands and the end of sessions through @aws-sdk/client-bedrock-agentcore.
import assert from 'node:assert/strict'
import { ListActorsCommand } from '@aws-sdk/client-bedrock-agentcore'
import { newClient, runCommand, stopSession } from './lib/commands.mjs'
import { credentials, newSessionId, openTerminal, suite, test } from './lib/suite.mjs'

test("a command's stdout, stderr and exit code arrive separate and whole, between a start and a stop", async () => {
  const sessionId = newSessionId()
  const result = await runCommand('echo out; echo err >&2; echo more; exit 3', { sessionId })
  assert.equal(result.stdout, 'out\nmore\n')
  assert.equal(result.stderr, 'err\n')
  assert.equal(result.exitCode, 3)
  assert.equal(result.status, 'COMPLETED')
  assert.equal(result.sessionId, sessionId)
  assert.equal(result.events[0], 'contentStart')
  assert.equal(result.events.at(-1), 'contentStop')
})

test('commands of a session share its files and nothing else', async () => {
  const sessionId = newSessionId()
  await runCommand('cd /tmp; X=1; echo kept > file', { sessionId })
  const { stdout } = await runCommand('pwd; echo "X=$X"; cat /tmp/file; id -u; [ -t 0 ] || echo no terminal; cat', { sessionId })
  assert.equal(stdout, '/\nX=\nkept\n0\nno terminal\n')
})

test('a command without a session id gets a session, and its id', async () => {
  const result = await runCommand('echo $PORTHOLE_SESSION_ID')
  assert.match(result.sessionId, /^[A-Za-z0-9][A-Za-z0-9_-]{32,}$/)
  assert.equal(result.stdout, `${result.sessionId}\n`)
})

test('large output on both streams, characters of many bytes and bytes that are no text arrive', async () => {
  const sessionId = newSessionId()
  const numbers = Array.from({ length: 100_000 }, (_, i) => `${i + 1}\n`).join('')
  const large = await runCommand("seq 100000; seq 100000 >&2; printf '\\xe4\\xbd\\xa0%.0s' {1..50000}", { sessionId })
  assert.equal(large.stderr, numbers)
  assert.equal(large.stdout, numbers + '你'.repeat(50_000))
  const odd = await runCommand("printf 'a\\xff\\xc3(b\\xf0\\x9f\\x9a'", { sessionId })
  assert.equal(odd.stdout, 'a\uFFFD\uFFFD(b\uFFFD')
})

test('a command that takes longer than its timeout is ended with -1 and TIMED_OUT, what it printed kept', async () => {
  const sessionId = newSessionId()
  const result = await runCommand('echo before; sleep 1000 & echo $! > /tmp/pid; wait', { sessionId, timeout: 1 })
  assert.equal(result.stdout, 'before\n')
  assert.equal(result.exitCode, -1)
  assert.equal(result.status, 'TIMED_OUT')
  const { stdout } = await runCommand('kill -0 $(cat /tmp/pid) 2>/dev/null && echo alive || echo gone', { sessionId })
  assert.equal(stdout, 'gone\n')
})

test('a command killed by a signal reports 128 and the signal', async () => {
  const { exitCode, status } = await runCommand('kill -9 $$')
  assert.equal(exitCode, 137)
  assert.equal(status, 'COMPLETED')
})

test('StopRuntimeSession ends the session: its shells are told, its files are gone, and the second stop finds nothing', async () => {
  const terminal = await (await openTerminal()).quiet()
  const { sessionId } = terminal.shell
  await terminal.run('echo here > /tmp/file')
  const answer = await stopSession(sessionId)
  assert.equal(answer.runtimeSessionId, sessionId)
  await terminal.finish()
  assert.equal(terminal.shell.exitCode, null)
  assert.equal(terminal.shell.kicked, false)
  await assert.rejects(stopSession(sessionId), { name: 'ResourceNotFoundException', message: new RegExp(sessionId) })
  const { stdout } = await runCommand('ls -A /tmp', { sessionId })
  assert.equal(stdout, '')
})

for (const [what, input, field] of [
  ['a session id that is too short', { sessionId: 'short' }, /session/i],
  ['a session id with a character that is none', { sessionId: `${'x'.repeat(33)}!` }, /session/i],
  ['an empty command', { command: '' }, /command/],
  ['a command of more than 64 KB', { command: ':'.repeat(65_537) }, /command/],
  ['a timeout of no seconds', { timeout: 0 }, /timeout/],
  ['a timeout of more than an hour', { timeout: 3601 }, /timeout/],
]) {
  test(`${what} is a ValidationException that names the field`, async () => {
    const { command = 'true', sessionId = newSessionId(), timeout } = input
    await assert.rejects(runCommand(command, { sessionId, timeout }), (error) => {
      assert.equal(error.name, 'ValidationException')
      assert.equal(error.reason, 'FieldValidationFailed')
      assert.equal(error.$metadata.httpStatusCode, 400)
      assert.match(error.message, field)
      return true
    })
  })
}

test('a runtime or an endpoint that does not exist is a ResourceNotFoundException', async () => {
  const other = suite.runtimeArn.replace(/.$/, (last) => (last === 'x' ? 'y' : 'x'))
  await assert.rejects(runCommand('true', { agentRuntimeArn: other }), { name: 'ResourceNotFoundException', message: /No endpoint or agent found/ })
  await assert.rejects(runCommand('true', { qualifier: 'other' }), { name: 'ResourceNotFoundException', message: /'other'/ })
})

test('a wrong secret, an unknown key and another region are an AccessDeniedException that says which', async () => {
  const { accessKeyId } = await credentials()
  for (const [configuration, says] of [
    [{ credentials: { accessKeyId, secretAccessKey: 'wrong' } }, /secret access key/],
    [{ credentials: { accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'wrong' } }, /AKIAUNKNOWN/],
    [{ region: 'eu-north-1' }, /eu-north-1/],
  ]) {
    await assert.rejects(runCommand('true', { client: newClient(configuration) }), (error) => {
      assert.equal(error.name, 'AccessDeniedException')
      assert.equal(error.$metadata.httpStatusCode, 403)
      assert.match(error.message, says)
      return true
    })
  }
})

test('an operation that the server does not have says so by name', async () => {
  await assert.rejects(newClient().send(new ListActorsCommand({ memoryId: 'memory-0123456789' })), { name: 'UnknownOperationException' })
})

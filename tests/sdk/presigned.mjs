// Presigned URLs of the official SDK. It makes them for https on port 443 only, whatever the endpoint says, so the client runs in a
// network of its own where that port is free and leads to the server's TLS.
import assert from 'node:assert/strict'
import { inPrivateNetwork } from './lib/private-network.mjs'
import { newSessionId, test } from './lib/suite.mjs'

test('a shell opens by presigned URL, comes back by another one, and a changed one is refused', async () => {
  const sessionId = newSessionId()
  const seen = await inPrivateNetwork(new URL('presigned-client.mjs', import.meta.url), { sessionId })
  assert.equal(seen.sessionId, sessionId)
  assert.equal(seen.shellId, 'presigned')
  assert.equal(seen.printed, `${sessionId}\n`)
  assert.equal(seen.returned, true)
  assert.equal(seen.kept, 'kept\n')
  assert.match(seen.query, /X-Amz-Signature=[0-9a-f]{64}/)
  assert.match(seen.refused, /HTTP 403/)
})

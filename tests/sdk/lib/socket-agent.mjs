// An agent that answers invocations with what it was sent, and each short message of a WebSocket with it and its session's id.
const SOURCE = `
const { createHash } = require('crypto')
const server = require('http').createServer((request, response) => {
  if (request.url === '/ping') response.end('{"status": "Healthy"}')
  else request.pipe(response.setHeader('content-type', 'text/plain'))
})
server.on('upgrade', (request, socket) => {
  const accept = createHash('sha1').update(request.headers['sec-websocket-key'] + '258EAFA5-E914-47DA-95CA-C5AB0DC85B11').digest('base64')
  socket.write('HTTP/1.1 101 Switching Protocols\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\nSec-WebSocket-Accept: ' + accept + '\\r\\n\\r\\n')
  socket.on('data', (frame) => {
    const size = frame[1] & 127
    const payload = Buffer.from(frame.subarray(6, 6 + size).map((byte, at) => byte ^ frame[2 + (at & 3)]))
    const answer = (frame[0] & 15) === 8 ? payload : Buffer.concat([payload, Buffer.from(' ' + request.headers['x-amzn-bedrock-agentcore-runtime-session-id'])])
    socket.write(Buffer.concat([Buffer.from([frame[0], answer.length]), answer]))
  })
})
server.listen(8080)
`

/** What makes a runtime on the host's tools run it. */
export const socketAgent = { PORTHOLE_AGENT_COMMAND: 'exec node -e "$AGENT_SOURCE"', AGENT_SOURCE: SOURCE }

// What AgentCore wants of an agent's container, around a program that takes a prompt as its last argument:
//   POST /invocations {"prompt": "…"}  runs it and streams its output, a line an event (server-sent events)
//   GET  /ping                         Healthy, or HealthyBusy while it runs, so that a session at work is not idle
//
//   node agent.mjs -- PROGRAM [ARGUMENT…]
import { spawn } from 'node:child_process'
import { createServer } from 'node:http'
import { createInterface } from 'node:readline'

const [program, ...args] = process.argv.slice(process.argv.indexOf('--') + 1)
let running = 0
let changedAt = now()

createServer((request, response) => {
  if (request.method === 'GET' && request.url === '/ping') {
    // The time is that of the last change: one that moves with every ping would keep the session from ever being idle.
    return json(response, 200, { status: running > 0 ? 'HealthyBusy' : 'Healthy', time_of_last_update: changedAt })
  }
  if (request.method === 'POST' && request.url === '/invocations') return invoke(request, response)
  json(response, 404, { error: `${request.method} ${request.url} is not part of this agent` })
}).listen(8080, '0.0.0.0')

async function invoke(request, response) {
  const prompt = await promptOf(request)
  if (!prompt) return json(response, 400, { error: 'the body is not {"prompt": "…"}' })
  const child = spawn(program, [...args, prompt], { stdio: ['ignore', 'pipe', 'inherit'] })
  count(+1)
  child.once('error', (error) => response.write(`data: ${JSON.stringify({ error: error.message })}\n\n`))
  child.once('close', (code) => {
    count(-1)
    if (code) response.write(`data: ${JSON.stringify({ error: `${program} ended with exit code ${code}` })}\n\n`)
    response.end()
  })

  // Whoever asked has gone: nobody reads what it would still say.
  response.once('close', () => child.kill())
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for await (const line of createInterface({ input: child.stdout })) response.write(`data: ${JSON.stringify(line)}\n\n`)
}

async function promptOf(request) {
  let body = ''
  for await (const chunk of request) body += chunk
  try {
    const { prompt } = JSON.parse(body)
    return typeof prompt === 'string' ? prompt : undefined
  } catch {
    return undefined
  }
}

function count(change) {
  running += change
  changedAt = now()
}

function now() {
  return Math.floor(Date.now() / 1000)
}

function json(response, status, body) {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

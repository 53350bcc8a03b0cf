// A stand-in for the models: speaks as much of Anthropic's Messages API and of OpenAI's Responses API as the agents need, and says what the
// script below says. It is started inside the session, so the agents run without any network.
//
//   node server.mjs PORT [LOG]     LOG gets one line for each request
import { createServer } from 'node:http'
import { appendFileSync } from 'node:fs'

const [port, log] = process.argv.slice(2)

// What the model wants done, one step a turn. How many tool results the conversation has says which turn it is.
const steps = [
  { edit: { path: '/root/project/greeting.txt', content: 'written by the agent\n' } },
  { run: 'tr a-z A-Z < /root/project/greeting.txt | tee /root/project/shouted.txt' },
]
const lastWords = 'The file is written and the command has run.'

createServer((request, response) => {
  let body = ''
  request.on('data', (chunk) => (body += chunk))
  request.on('end', () => {
    const path = request.url.split('?')[0]
    if (log) appendFileSync(log, `${request.method} ${path}\n`)
    if (request.method === 'POST' && path.endsWith('/messages')) return answerMessages(JSON.parse(body), response)
    if (request.method === 'POST' && path.endsWith('/responses')) return answerResponses(JSON.parse(body), response)
    response.writeHead(404, { 'content-type': 'application/json' }).end('{"error":{"message":"not part of the script"}}')
  })
}).listen(Number(port), '127.0.0.1', () => console.log('ready'))

// docs.anthropic.com/en/api/messages-streaming
function answerMessages(request, response) {
  const results = request.messages.flatMap((message) => (Array.isArray(message.content) ? message.content : [])).filter((part) => part.type === 'tool_result').length
  const step = request.tools?.some((tool) => tool.name === 'Bash') ? steps[results] : undefined
  const block = !step
    ? { type: 'text', text: lastWords }
    : step.edit
      ? { type: 'tool_use', id: `toolu_${results}`, name: 'Write', input: { file_path: step.edit.path, content: step.edit.content } }
      : { type: 'tool_use', id: `toolu_${results}`, name: 'Bash', input: { command: step.run, description: 'shout' } }
  const stop = step ? 'tool_use' : 'end_turn'
  const message = { id: `msg_${results}`, type: 'message', role: 'assistant', model: request.model, content: [], stop_reason: null, stop_sequence: null, usage: { input_tokens: 1, output_tokens: 1 } }
  if (!request.stream) {
    response.writeHead(200, { 'content-type': 'application/json' })
    return response.end(JSON.stringify({ ...message, content: [block], stop_reason: stop }))
  }

  const empty = block.type === 'text' ? { type: 'text', text: '' } : { ...block, input: {} }
  const delta = block.type === 'text' ? { type: 'text_delta', text: block.text } : { type: 'input_json_delta', partial_json: JSON.stringify(block.input) }
  stream(response, [
    { type: 'message_start', message },
    { type: 'content_block_start', index: 0, content_block: empty },
    { type: 'content_block_delta', index: 0, delta },
    { type: 'content_block_stop', index: 0 },
    { type: 'message_delta', delta: { stop_reason: stop, stop_sequence: null }, usage: { output_tokens: 1 } },
    { type: 'message_stop' },
  ])
}

// platform.openai.com/docs/api-reference/responses-streaming
function answerResponses(request, response) {
  const results = request.input.filter((item) => item.type?.endsWith('_call_output')).length
  const step = steps[results]
  const item = step
    ? { type: 'function_call', id: `fc_${results}`, call_id: `call_${results}`, status: 'completed', ...shellCall(request.tools ?? [], commandOf(step)) }
    : { type: 'message', id: 'msg_1', role: 'assistant', status: 'completed', content: [{ type: 'output_text', text: lastWords, annotations: [] }] }
  const base = { id: `resp_${results}`, object: 'response', model: request.model, status: 'in_progress', output: [] }
  stream(response, [
    { type: 'response.created', response: base },
    { type: 'response.output_item.added', output_index: 0, item },
    { type: 'response.output_item.done', output_index: 0, item },
    {
      type: 'response.completed',
      response: {
        ...base, status: 'completed', output: [item],
        usage: { input_tokens: 1, input_tokens_details: { cached_tokens: 0 }, output_tokens: 1, output_tokens_details: { reasoning_tokens: 0 }, total_tokens: 2 },
      },
    },
  ])
}

function commandOf(step) {
  if (!step.edit) return step.run
  const lines = step.edit.content.trimEnd().split('\n').map((line) => `+${line}`).join('\n')
  return `apply_patch <<'EOF'\n*** Begin Patch\n*** Add File: ${step.edit.path}\n${lines}\n*** End Patch\nEOF`
}

// The tool has had several names and shapes; the request says which one this version has.
function shellCall(tools, command) {
  const names = tools.map((tool) => tool.name)
  if (names.includes('exec_command')) return { name: 'exec_command', arguments: JSON.stringify({ cmd: command }) }
  if (names.includes('shell_command')) return { name: 'shell_command', arguments: JSON.stringify({ command }) }
  return { name: 'shell', arguments: JSON.stringify({ command: ['bash', '-lc', command] }) }
}

function stream(response, events) {
  response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
  for (const event of events) response.write(`event: ${event.type}\ndata: ${JSON.stringify(event)}\n\n`)
  response.end()
}

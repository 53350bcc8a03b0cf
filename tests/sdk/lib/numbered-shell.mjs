// A shell that prints numbered lines for ever, and a reader that accounts for every byte of them, whatever becomes of its connections. Made
// of the SDK's lower-level parts, which leave the WebSocket to the caller: a client that detaches in order reads what is still on its way.
import { setTimeout as delay } from 'node:timers/promises'
import { ShellChannel, ShellFramer } from 'bedrock-agentcore/runtime'
import WebSocket from 'ws'
import { within } from './patience.mjs'

const LINE_BYTES = 16
const BEGIN = 'begin\n'

// The part of the endless text from an offset on.
function textAt(offset, length) {
  let text = ''
  for (let line = Math.floor(offset / LINE_BYTES); text.length < length + LINE_BYTES; line++) text += `${String(line).padStart(LINE_BYTES - 1, '0')}\n`
  return text.slice(offset % LINE_BYTES, (offset % LINE_BYTES) + length)
}

export class NumberedShell {
  #framer = new ShellFramer()
  #offset = null // of the next byte; null before the text has begun
  #start = ''
  #last = 'start' // what happened to its connection last

  constructor({ client, runtimeArn, sessionId, shellId, linesPerSecond, until }) {
    Object.assign(this, { client, ids: { runtimeArn, sessionId, shellId }, linesPerSecond, until })
    this.counts = { bytes: 0, dropped: 0, takeovers: 0, detaches: 0, losses: 0 }
  }

  /** Comes and goes until the time is up, then closes the shell. Throws when a byte is missing, wrong or repeated. */
  async run() {
    let connection = await this.#connect(false)
    const block = Math.max(1, Math.round(this.linesPerSecond / 5))
    const program = `$| = 1; for (;;) { printf "%015d\\n", $i++ for 1..${block}; select undef, undef, undef, 0.2 }`
    this.#send(connection, `stty -echo -opost; PS1=; bind 'set enable-bracketed-paste off'; printf 'be''gin\\n'; exec perl -e '${program}'\n`)
    await within(connection.begun, 'the numbers to begin')
    while (Date.now() < this.until) {
      await Promise.race([delay(1_000 + Math.random() * 4_000), connection.ended])
      connection = await this.#change(connection)
    }
    connection.socket.send(this.#framer.encodeClose())
    const { code } = await within(connection.ended, 'the shell to close')
    if (code !== 1000) throw new Error(`${this.ids.shellId} was closed with ${code}`)
  }

  // One random thing that happens to a connection; the result is the one that has the shell afterwards.
  async #change(connection) {
    if (connection.isOpen && Math.random() < 0.5) {
      const next = await this.#connect(true, connection)
      this.#last = 'takeover'
      const { code } = await within(connection.ended, 'the old connection to end')
      if (code === 4000) this.counts.takeovers++
      else this.counts.losses++
      return next
    }
    if (connection.isOpen) {
      this.counts.detaches++
      this.#last = 'detach'
      connection.socket.close(1000)
      await within(connection.ended, 'the connection to close')
      await delay(Math.random() * 4_000)
    } else {
      this.counts.losses++
      this.#last = 'lost connection'
    }
    return this.#connect(true)
  }

  // Connects until it works: the server may be away, or busy with this very shell. `before` still reads, and its bytes come first.
  async #connect(exists, before = null) {
    return within((async () => {
      for (;;) {
        const connection = await this.#tryConnect(before)
        if (connection === null) {
          await delay(200)
          continue
        }
        if (connection.confirmation.metadata.reconnected !== exists)
          throw new Error(`${this.ids.shellId}: ${exists ? 'the shell had ended' : 'the shell was there already'}`)
        return connection
      }
    })(), `${this.ids.shellId} to be attached`)
  }

  async #tryConnect(before) {
    const { url, headers } = await this.client.connectShellSigV4(this.ids)
    const socket = new WebSocket(url, { headers })
    const connection = { socket, isOpen: true, confirmation: null }
    return new Promise((resolve, reject) => {
      const fail = (error) => {
        reject(error)
        connection.fail(error)
      }
      connection.begun = new Promise((begun) => { connection.begin = begun })
      connection.ended = new Promise((ended, failed) => {
        connection.fail = failed
        socket.on('close', (code) => {
          connection.isOpen = false
          ended({ code })
          resolve(null)
        })
      })
      connection.ended.catch(() => {})
      // A refused, unanswered or broken connection; 'close' follows.
      socket.on('error', () => {})
      let turn = before === null ? Promise.resolve() : before.ended
      socket.on('message', (message) => {
        const frame = this.#framer.decode(message)
        turn = turn.then(() => this.#take(connection, frame)).catch(fail)
        if (frame.channel === ShellChannel.STATUS && connection.confirmation === null) {
          connection.confirmation = frame.json()
          if (connection.confirmation.metadata.shellId === undefined) fail(new Error(`${this.ids.shellId} ended: ${frame.text}`))
          else resolve(connection)
        }
      })
    })
  }

  #send(connection, text) {
    connection.socket.send(this.#framer.encodeStdin(text))
  }

  #take(connection, frame) {
    if (frame.channel === ShellChannel.STATUS && !connection.counted) {
      connection.counted = true
      const dropped = frame.json().metadata.bytesDropped ?? 0
      this.counts.dropped += dropped
      if (dropped > 0) this.#offset += dropped
    } else if (frame.channel === ShellChannel.STDOUT) {
      this.#check(frame.payload.toString('latin1'))
      if (this.#offset !== null) connection.begin()
    }
  }

  #check(text) {
    if (this.#offset === null) {
      this.#start += text
      const at = this.#start.indexOf(BEGIN)
      if (at < 0) return
      this.#offset = 0
      text = this.#start.slice(at + BEGIN.length)
    }
    const expected = textAt(this.#offset, text.length)
    if (text !== expected) {
      throw new Error(`${this.ids.shellId} at byte ${this.#offset}, after a ${this.#last}: ${JSON.stringify(text.slice(0, 60))} instead of ${JSON.stringify(expected.slice(0, 60))}`)
    }
    this.#offset += text.length
    this.counts.bytes += text.length
  }
}

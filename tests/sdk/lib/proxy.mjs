// A TCP proxy between a client and the server: a network that a test can break.
import net from 'node:net'

export class Proxy {
  #pairs = new Set()
  #listener = net.createServer((client) => this.#accept(client))

  /** True while nobody gets through: who connects is dropped at once. */
  broken = false

  /** How many connections it has let through. */
  accepted = 0

  /** @param port the server's, on loopback */
  constructor(port) {
    this.port = port
  }

  /** Listens on a free port of loopback. */
  async start() {
    await new Promise((resolve, reject) => {
      this.#listener.once('error', reject)
      this.#listener.listen(0, '127.0.0.1', resolve)
    })
    return this
  }

  get endpoint() {
    return `http://127.0.0.1:${this.#listener.address().port}`
  }

  /** Drops every connection without a word: neither side gets a WebSocket close. */
  drop() {
    for (const pair of this.#pairs) pair.forEach((socket) => socket.destroy())
  }

  /** Drops every connection, and takes no new ones until `mend`. */
  break() {
    this.broken = true
    this.drop()
  }

  mend() {
    this.broken = false
  }

  async close() {
    this.drop()
    await new Promise((resolve) => this.#listener.close(resolve))
  }

  #accept(client) {
    if (this.broken) {
      client.destroy()
      return
    }
    this.accepted++
    const server = net.connect(this.port, '127.0.0.1')
    const pair = [client, server]
    this.#pairs.add(pair)
    for (const [from, to] of [[client, server], [server, client]]) {
      from.setNoDelay(true)
      from.pipe(to)
      // What broke is what was to be broken; the other side learns it from its own socket.
      from.on('error', () => to.destroy())
      from.on('close', () => {
        to.destroy()
        this.#pairs.delete(pair)
      })
    }
  }
}

// A shell of the official SDK, read all the time: what it printed can be waited for.
import { ShellChannel } from 'bedrock-agentcore/runtime'
import { within } from './patience.mjs'

export class Terminal {
  #output = []
  #text = ''
  #taken = 0
  #waiters = []
  #markers = 0
  #pauseAfter = null

  /** @param shell a ShellSession; from here on only this object reads it */
  constructor(shell) {
    this.shell = shell
    /** Every frame that is no output. */
    this.frames = []
    /** True when the SDK's loop has ended by itself: the shell has, or it was kicked, or it gave up. */
    this.ended = false
    this.reading = this.#read()
  }

  /** All that was printed, as bytes. */
  get bytes() {
    return Buffer.concat(this.#output)
  }

  /** The same, each byte a character. */
  get text() {
    return this.#text
  }

  async #read() {
    try {
      for await (const frame of this.shell) {
        if (frame.channel === ShellChannel.STDOUT) {
          this.#output.push(frame.payload)
          this.#text += frame.payload.toString('latin1')
        } else {
          this.frames.push(frame)
        }
        this.#wake()
        if (this.#pauseAfter !== null && this.#text.endsWith(this.#pauseAfter)) return
      }
      this.ended = true
    } finally {
      this.#wake()
    }
  }

  #wake() {
    this.#waiters.splice(0).forEach((wake) => wake())
  }

  /** Waits until a text has been printed; the result is what came in front of it since the last such call. */
  async until(text) {
    const wanted = Buffer.from(text).toString('latin1')
    return within(this.#search(wanted), `the shell to print ${JSON.stringify(text)}`, () => this.describe())
  }

  async #search(wanted) {
    for (;;) {
      const at = this.#text.indexOf(wanted, this.#taken)
      if (at >= 0) {
        const before = this.#text.slice(this.#taken, at)
        this.#taken = at + wanted.length
        return Buffer.from(before, 'latin1').toString()
      }
      if (this.ended) throw new Error(`the shell has ended without printing ${JSON.stringify(wanted)}\n${this.describe()}`)
      await new Promise((resolve) => this.#waiters.push(resolve))
    }
  }

  /** What was printed since the last `until`. */
  rest() {
    const rest = this.#text.slice(this.#taken)
    this.#taken = this.#text.length
    return Buffer.from(rest, 'latin1').toString()
  }

  /** Makes the terminal quiet: no echo, no prompt, no translation; what is printed is what programs print. */
  async quiet() {
    await this.shell.send("stty -echo -opost; PS1=; bind 'set enable-bracketed-paste off'; echo qu''iet\n")
    await this.until('quiet\n')
    return this
  }

  /** Runs a line in a quiet shell; the result is what it printed. */
  async run(line) {
    const marker = `end-of-${++this.#markers}`
    await this.shell.send(`${line}\necho ${marker.replace('end', "e''nd")}\n`)
    return this.until(`${marker}\n`)
  }

  /**
   * Runs a line in a quiet shell and stops reading behind what it printed. The SDK's loop loses what arrives within 10 s after a
   * reconnection when it was waiting for a frame at the drop (see README.md); one that is begun afterwards loses nothing.
   */
  async runAndPause(line) {
    const marker = `end-of-${this.#markers + 1}\n`
    this.#pauseAfter = marker
    const printed = await this.run(line)
    await this.finish()
    this.#pauseAfter = null
    return printed
  }

  /** Reads again after runAndPause. */
  resume() {
    this.reading = this.#read()
  }

  /** Waits for the SDK's loop to end. */
  finish() {
    return within(this.reading, "the SDK's loop to end", () => this.describe())
  }

  describe() {
    const text = this.#text.length > 4000 ? `...${this.#text.slice(-4000)}` : this.#text
    const frames = this.frames.map((frame) => `${frame.rawChannelByte}: ${frame.text}`).join('\n')
    return `The terminal showed: ${JSON.stringify(text)}\nOther frames: ${frames || 'none'}\nexitCode ${this.shell.exitCode}, kicked ${this.shell.kicked}`
  }
}

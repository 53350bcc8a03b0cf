// An OpenID Connect issuer on loopback, for runtimes that take bearer tokens.
import { createSign, generateKeyPairSync } from 'node:crypto'
import http from 'node:http'

const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url')

export class Issuer {
  #server
  #keys = generateKeyPairSync('rsa', { modulusLength: 2048 })

  async start() {
    this.#server = http.createServer((request, response) => response.end(JSON.stringify(request.url === '/keys'
      ? { keys: [{ ...this.#keys.publicKey.export({ format: 'jwk' }), kid: 'key', use: 'sig' }] }
      : { issuer: this.name, jwks_uri: `${this.name}/keys` })))
    await new Promise((resolve) => this.#server.listen(0, '127.0.0.1', resolve))
    return this
  }

  get name() {
    return `http://127.0.0.1:${this.#server.address().port}`
  }

  get discoveryUrl() {
    return `${this.name}/.well-known/openid-configuration`
  }

  /** A good token, unless the claims say otherwise. */
  sign(claims = {}) {
    const now = Math.floor(Date.now() / 1000)
    const signed = `${part({ alg: 'RS256', kid: 'key', typ: 'JWT' })}.${part({ iss: this.name, sub: 'alice', client_id: 'app', exp: now + 600, ...claims })}`
    return `${signed}.${createSign('RSA-SHA256').update(signed).sign(this.#keys.privateKey).toString('base64url')}`
  }

  stop() {
    this.#server.closeAllConnections?.()
    return new Promise((resolve) => this.#server.close(resolve))
  }
}

// An OpenID Connect issuer on loopback, for runtimes that take bearer tokens.
import { createHmac, createSign, generateKeyPairSync } from 'node:crypto'
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
    return this.#server && `http://127.0.0.1:${this.#server.address().port}`
  }

  get discoveryUrl() {
    return `${this.name}/.well-known/openid-configuration`
  }

  /** A good token, unless the claims say otherwise, or the algorithm: `none`, or `HS256` with the public key for a secret. */
  sign(claims = {}, alg = 'RS256') {
    const now = Math.floor(Date.now() / 1000)
    const signed = `${part({ alg, kid: 'key', typ: 'JWT' })}.${part({ iss: this.name, sub: 'alice', client_id: 'app', exp: now + 600, ...claims })}`
    const { privateKey, publicKey } = this.#keys
    const signature = {
      RS256: () => createSign('RSA-SHA256').update(signed).sign(privateKey),
      HS256: () => createHmac('sha256', publicKey.export({ type: 'spki', format: 'pem' })).update(signed).digest(),
      none: () => Buffer.alloc(0),
    }[alg]()
    return `${signed}.${signature.toString('base64url')}`
  }

  /** Tokens that nobody may take, by what is wrong with them. */
  badTokens() {
    const now = Math.floor(Date.now() / 1000)
    return {
      expired: this.sign({ exp: now - 3600 }),
      'not valid yet': this.sign({ nbf: now + 3600 }),
      'of another issuer': this.sign({ iss: 'https://issuer.example' }),
      'for another client': this.sign({ client_id: 'other' }),
      unsigned: this.sign({}, 'none'),
      'signed with the public key': this.sign({}, 'HS256'),
      'of another key': new Issuer().sign({ iss: this.name }),
      garbage: 'a.b.c',
    }
  }

  stop() {
    this.#server.closeAllConnections?.()
    return new Promise((resolve) => this.#server.close(resolve))
  }
}

// Requests that the official clients never make, signed by the official signer.
import { Sha256 } from '@aws-crypto/sha256-js'
import { HttpRequest } from '@smithy/protocol-http'
import { SignatureV4 } from '@smithy/signature-v4'

/** The headers for a request to a server, without its body hash being taken from anywhere but `body`. */
export async function signedHeaders({ method, url, headers = {}, body, region, credentials }) {
  const { host, hostname, port, pathname, searchParams } = new URL(url)
  const signer = new SignatureV4({ service: 'bedrock-agentcore', region, credentials, sha256: Sha256 })
  const signed = await signer.sign(new HttpRequest({
    method, protocol: 'http:', hostname, port: Number(port), path: pathname, body,
    query: Object.fromEntries(searchParams), headers: { host, ...headers },
  }))
  return signed.headers
}

// Run by tests/sdk/run. One process, one server; the tests of each file in their order, files in this one.
import { shareServer } from './lib/suite.mjs'

shareServer()
await import('./shells.mjs')
await import('./reconnect.mjs')
await import('./presigned.mjs')
await import('./tls.mjs')
await import('./commands.mjs')
await import('./readme.mjs')
await import('./control.mjs')
await import('./agents.mjs')
await import('./identity.mjs')

// The README's example, word for word: its commands in a directory that has what a clone has, its program beside them.
import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import fs from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { PATIENCE_MS } from './lib/patience.mjs'
import { outDirectory, withoutPointers } from './lib/server.mjs'
import { suite, test } from './lib/suite.mjs'

const here = path.dirname(fileURLToPath(import.meta.url))

test("the README's program runs as the README says", async () => {
  const section = fs.readFileSync(path.join(here, '../../README.md'), 'utf8').split('\n## The official SDK\n')[1].split('\n## ')[0]
  const [commands, program] = ['sh', 'js'].map((language) => new RegExp(`\`\`\`${language}\\n(.*?)\`\`\``, 's').exec(section)[1])
  const directory = fs.mkdtempSync(path.join(suite.directory, 'readme-'))
  fs.symlinkSync(outDirectory, path.join(directory, 'out'))
  fs.symlinkSync(suite.server.dataDirectory, path.join(directory, '.porthole'))
  fs.symlinkSync(path.join(here, 'node_modules'), path.join(directory, 'node_modules'))
  fs.writeFileSync(path.join(directory, 'shell.mjs'), program)

  // Everything but the installation, which ./run has done with the same version.
  const [installation, ...others] = commands.trim().split('\n').sort((line) => (line.startsWith('npm install') ? -1 : 1))
  const { dependencies } = JSON.parse(fs.readFileSync(path.join(here, 'package.json'), 'utf8'))
  assert.equal(installation, `npm install bedrock-agentcore@${dependencies['bedrock-agentcore']}`)
  const { stdout } = await promisify(execFile)('bash', ['-euc', `${others.join('\n')}\nexec node shell.mjs`], {
    cwd: directory, env: withoutPointers(process.env), timeout: PATIENCE_MS,
  })
  assert.match(stdout, /Linux sandbox .*\nexit code 7\n$/s)
  fs.rmSync(directory, { recursive: true })
})

// Waiting: always for something, never for ever.
import { setTimeout as delay } from 'node:timers/promises'

/** How long anything may take, in milliseconds. Generous: the machine may be busy with other things. */
export const PATIENCE_MS = 60_000

/** Waits for a promise, at most PATIENCE_MS. `describe` is asked for what was seen when time is up. */
export async function within(promise, what, describe = () => '') {
  let timer
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`waited ${PATIENCE_MS / 1000} s for ${what}\n${describe()}`)), PATIENCE_MS)
  })
  try {
    return await Promise.race([promise, late])
  } finally {
    clearTimeout(timer)
  }
}

/** Asks again and again until the answer is neither null, undefined nor false; that answer is the result. */
export async function until(what, ask, describe = () => '') {
  const deadline = Date.now() + PATIENCE_MS
  for (;;) {
    const answer = await ask()
    if (answer) return answer
    if (Date.now() > deadline) throw new Error(`waited ${PATIENCE_MS / 1000} s for ${what}\n${describe()}`)
    await delay(20)
  }
}

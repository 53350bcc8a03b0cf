# Claude Code asks, in a terminal, whether it may use a key that it finds in the environment. Whoever gave the key to the runtime has answered that.
[ -z "${ANTHROPIC_API_KEY:-}" ] || node /opt/agent/approve-key.mjs

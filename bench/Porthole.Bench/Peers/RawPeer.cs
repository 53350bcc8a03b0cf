using Porthole.Bench.Terminals;

namespace Porthole.Bench.Peers;

/// <summary>The floor: the driver holds the terminal itself, and nothing stands between it and the shell.</summary>
internal sealed class RawPeer : Peer
{
    public override string Name => "raw";

    public override string Description => "a PTY opened by 100 lines of C in the driver's own process: no relay, no isolation, the floor";

    public override Terminal Open(int session, int shell) => new ProgramTerminal(Child.OnTerminal("/bin/bash", "-l"));
}

using System.Globalization;
using Porthole.Guest;
using Porthole.Guest.Machine;
using Porthole.Posix;

const string usage = "usage: porthole-guest serve [--listen-fd N] [--lane-fd N], run-as USER PROGRAM [ARGUMENT...], or machine as the first process of one";

// A kernel gives its first process more words than it was told to: all that it does not know itself.
if (args.Contains("machine") && Libc.GetPid() == 1)
{
    Libc.Signal(Libc.SIGPIPE, Libc.SIG_IGN);
    MachineInit.Run();
    return 1;
}

// Started by ourselves, in the place of a program of an image that is not to be root.
if (args is ["run-as", var user, _, ..])
    return RunAs.Exec(user, args.AsSpan(2));

if (args is not ["serve", .. { Length: 2 or 4 } options])
    return Fail(usage);

// A lane that closes must not end the guest, nor must the terminal of whoever started it.
Libc.Signal(Libc.SIGPIPE, Libc.SIG_IGN);
Libc.Signal(Libc.SIGHUP, Libc.SIG_IGN);

// Inherited as ignored, the kernel would drop our children's exit codes.
Libc.Signal(Libc.SIGCHLD, Libc.SIG_DFL);
var home = new Home();
for (var i = 0; i < options.Length; i += 2)
{
    if (!int.TryParse(options[i + 1], NumberStyles.None, CultureInfo.InvariantCulture, out var number))
        return Fail(usage);
    var descriptor = new Descriptor(number);
    try
    {
        if (options[i] == "--listen-fd")
            home.Listen(descriptor);
        else if (options[i] == "--lane-fd")
            home.ServeOnly(descriptor);
        else
            return Fail(usage);
    }
    catch (PosixException error)
    {
        return Fail($"descriptor {number} cannot be used: {error.Message}");
    }
}

home.Run();
return 0;

static int Fail(string message)
{
    GuestLog.Write(message);
    return 2;
}

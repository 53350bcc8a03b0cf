using Porthole.Launch;
using Porthole.Posix;

// porthole-launch STEP ARGUMENTS... [STEP ARGUMENTS...] exec PROGRAM ARGUMENTS...
// The steps are run in the order given; the last one replaces this process. See Steps.cs for each.

// The server's umask is its own affair: what is made here is for another user, and shells inside inherit it.
_ = Libc.UMask(0x12);
try
{
    Steps.Run(args);
}
catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or ArgumentException)
{
    Console.Error.WriteLine($"porthole-launch: {failure.Message}");
}

// What env(1) and the shells' builtins answer with when the program itself was never reached.
return 125;

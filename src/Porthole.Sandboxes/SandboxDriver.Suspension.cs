using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes;

// Machines that are written to the disk and end, and go on later.
public sealed partial class SandboxDriver
{
    // A machine of some gigabytes that changed all of them, on a slow disk.
    private static readonly TimeSpan SaveTimeout = TimeSpan.FromMinutes(2), MonitorTimeout = TimeSpan.FromSeconds(10);

    private const string NotAMachine = "only microVMs can be suspended, and this session is isolated by namespaces: give its runtime the isolation microvm";

    /// <summary>Whether a directory holds a suspended sandbox.</summary>
    public static bool IsSuspended(string directory) => SandboxState.TryRead(directory)?.Suspension == Suspension.Saved;

    /// <summary>
    /// Writes a running microVM to its directory and ends its processes: its memory is free then, its user id and its disk stay its own. The
    /// caller has no lane open, and opens none meanwhile.
    /// </summary>
    /// <exception cref="SandboxException">It runs on as if nothing had been; the message says why. If it has ended, <see cref="Sandbox.Exited"/> says so.</exception>
    public async Task SuspendAsync(Sandbox sandbox)
    {
        if (DriverOf(sandbox.Isolation) is not MicroVmDriver machines)
            throw new SandboxException(NotAMachine);
        using var late = new CancellationTokenSource(SaveTimeout);
        try
        {
            // 1. A server that dies in what follows leaves a paused machine. The next one lets it run on.
            sandbox.Note(static state => state with { Suspension = Suspension.Paused });
            var machine = await machines.SaveAsync(sandbox, late.Token);

            // 2. From here on the files are the session; before, they are nothing.
            sandbox.Note(state => state with { Machine = machine, Suspension = Suspension.Saved, Outer = null, Inner = null, Network = null }, isLasting: true);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SandboxException or OperationCanceledException)
        {
            if (!await LetRunOnAsync(sandbox))
                await sandbox.KillAsync();
            throw failure switch
            {
                SandboxException => failure,
                OperationCanceledException => new SandboxException($"the session could not be written to the disk within {SaveTimeout.TotalSeconds} s, and runs on", failure),
                _ => new SandboxException($"the session could not be written to the disk, and runs on: free space where {sandbox.Directory} lies ({failure.Message})", failure),
            };
        }

        await sandbox.EndSavedAsync();
    }

    /// <summary>Starts a suspended sandbox; it goes on where it was, with the right time.</summary>
    /// <param name="directory">Its directory.</param>
    /// <param name="cancel">Ends the attempt.</param>
    /// <exception cref="SandboxException">It is as it was, still suspended (<see cref="IsSuspended"/>), or it ran and died.</exception>
    /// <exception cref="OperationCanceledException">Likewise.</exception>
    public async Task<Sandbox> ResumeAsync(string directory, CancellationToken cancel = default)
    {
        if (SandboxState.TryRead(directory) is not { Suspension: Suspension.Saved, Machine: not null } state)
            throw new SandboxException($"{directory} holds no suspended sandbox");
        if (DriverOf(state.Isolation) is not MicroVmDriver machines)
            throw new SandboxException(NotAMachine);
        var heard = new TaskCompletionSource();
        var sandbox = await LoadAsync(machines, directory, state, heard.Task, cancel);
        try
        {
            await MicroVmDriver.RunOnAsync(directory, cancel);
            sandbox.Note(static running => running with { Suspension = Suspension.None });
            await sandbox.WaitForGuestAsync(_options.StartTimeout, cancel);
            return sandbox;
        }
        catch (Exception failure)
        {
            await sandbox.KillAsync();
            if (failure is SandboxException or OperationCanceledException)
                throw;
            throw new SandboxException($"the session ended while it was being resumed: {failure.Message}", failure);
        }
        finally
        {
            heard.SetResult();
        }
    }

    /// <summary>Removes a suspended sandbox. One that holds back what outlives it is resumed for that, and ended in order.</summary>
    public async Task DiscardAsync(string directory)
    {
        var state = SandboxState.TryRead(directory);
        if (state is { MustHalt: true })
        {
            try
            {
                await (await ResumeAsync(directory)).KillAsync();
                return;
            }
            catch (SandboxException failure)
            {
                _options.Warn($"{directory}: what it had not yet written to its storage is lost: {failure.Message}");
            }
        }

        await ClearAsync(directory, state is null ? null : state with { Suspension = Suspension.None });
    }

    private async Task<Sandbox> LoadAsync(MicroVmDriver machines, string directory, SandboxState state, Task heard, CancellationToken cancel)
    {
        // The host may have been started anew since.
        var present = state with { BootId = SandboxState.CurrentBootId, Cgroups = _cgroups.DirectoriesFor(state.Id) };
        try
        {
            present.Write(directory);
            _cgroups.Create(present.Id, machines.OnHost(present.Limits));
            var processes = await machines.LoadAsync(directory, present, cancel);

            // Once it runs its disk changes, and what was saved fits it no more: whoever finds it now must let this one run.
            present = present with { Outer = processes.Outer.Identity, Inner = processes.Inner.Identity, Machine = processes.Machine, Suspension = Suspension.Paused };
            present.WriteThrough(directory);
            return Begin(new Sandbox(_loop, directory, present, processes.Outer, processes.Inner, processes.Link, processes.Log), null, heard);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException or SandboxException or OperationCanceledException)
        {
            await ClearAsync(directory, present with { Suspension = Suspension.Saved });
            if (failure is OperationCanceledException)
                throw;
            throw new SandboxException($"the session could not be resumed, and stays suspended: {failure.Message}", failure);
        }
    }

    // A server may have died between having written everything and having ended the processes.
    private async Task AdoptSuspendedAsync(string directory, SandboxState state)
    {
        await ClearAsync(directory, state);
        if (state.UserId is { } user)
            _userIds?.Adopt(user);
    }

    private static async Task<SandboxAdoption> GoOnAsync(Sandbox sandbox)
    {
        if (sandbox.State.Suspension == Suspension.None || await LetRunOnAsync(sandbox))
            return new SandboxAdoption(sandbox, null);
        await sandbox.KillAsync();
        return new SandboxAdoption(null, "it was paused, and could not be made to run on");
    }

    private static async Task<bool> LetRunOnAsync(Sandbox sandbox)
    {
        using var late = new CancellationTokenSource(MonitorTimeout);
        try
        {
            await MicroVmDriver.RunOnAsync(sandbox.Directory, late.Token);
        }
        catch (Exception failure) when (failure is SandboxException or IOException or OperationCanceledException)
        {
            return false;
        }

        try
        {
            sandbox.Note(static state => state with { Suspension = Suspension.None });
        }
        catch (IOException)
        {
            // The disk is full. The next server will tell it to run on, which it does already.
        }

        return true;
    }
}

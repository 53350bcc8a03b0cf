using Porthole.Posix;

namespace Porthole.Sandboxes.Machines;

/// <summary>
/// The templates of this server, one for each kind of machine that was asked for, in memory only. A template whose description differs in
/// anything from what is wanted now is not used: a new guest, kernel, emulator, base disk or limit makes a new one.
/// </summary>
internal sealed class MachineTemplates(MicroVmDriver driver, string directory) : IDisposable
{
    // Each holds about 100 MB of memory; runtimes with limits of their own are few.
    private const int Most = 4;

    private static readonly TimeSpan BuildTimeout = TimeSpan.FromSeconds(60);

    private readonly Lock _lock = new();
    private readonly List<(MachineDescription Machine, Task<MachineTemplate> Template)> _templates = [];
    private readonly List<(string Id, Descriptor Memory)> _revived = [];

    /// <summary>The template for a kind of machine; the first one who asks has it built, which takes some seconds.</summary>
    /// <exception cref="SandboxException">It could not be built.</exception>
    public async Task<MachineTemplate> GetAsync(SandboxDriver host, MachineDescription machine, SandboxLimits limits, CancellationToken cancel)
    {
        Task<MachineTemplate> template;
        lock (_lock)
        {
            _templates.RemoveAll(entry => entry.Template.IsFaulted);
            var found = _templates.FindIndex(entry => entry.Machine == machine);
            var chosen = found >= 0 ? _templates[found] : (machine, Task.Run(() => BuildAsync(host, machine, limits), CancellationToken.None));
            if (found >= 0)
                _templates.RemoveAt(found);

            // The one used last stands last. What is dropped closes its files when its last copy has been started: the collector sees to it.
            _templates.Add(chosen);
            if (_templates.Count > Most)
                _templates.RemoveAt(0);
            template = chosen.Item2;
        }

        return await template.WaitAsync(cancel);
    }

    /// <summary>The memory of the template that a suspended machine was copied from: all that resume share it, as copies do.</summary>
    /// <param name="id">The template.</param>
    /// <param name="path">Where it lies on the disk; read when it is not in memory any more.</param>
    /// <exception cref="PosixException">It is gone, or the host is out of memory.</exception>
    public Descriptor OpenMemory(string id, string path)
    {
        lock (_lock)
        {
            if (_templates.Select(static entry => entry.Template).FirstOrDefault(template => template.IsCompletedSuccessfully && template.Result.Id == id) is { } living)
                return living.Result.OpenMemory();
            var found = _revived.FindIndex(entry => entry.Id == id);
            var revived = found >= 0 ? _revived[found] : (id, MachineTemplate.Revive(path));
            if (found >= 0)
                _revived.RemoveAt(found);
            _revived.Add(revived);
            if (_revived.Count > Most)
            {
                _revived[0].Memory.Dispose();
                _revived.RemoveAt(0);
            }

            return MachineTemplate.Again(revived.Item2);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        lock (_lock)
        {
            _revived.ForEach(static entry => entry.Memory.Dispose());
            _revived.Clear();
            foreach (var (_, template) in _templates.Where(entry => entry.Template.IsCompletedSuccessfully))
                template.Result.Dispose();
            _templates.Clear();
        }
    }

    private async Task<MachineTemplate> BuildAsync(SandboxDriver host, MachineDescription machine, SandboxLimits limits)
    {
        using var late = new CancellationTokenSource(BuildTimeout);
        var spec = new SandboxSpec { Directory = Path.Combine(directory, Guid.NewGuid().ToString("N")), HostName = "template", Limits = limits, Egress = false };
        try
        {
            return await MachineTemplate.BuildAsync(machine, LaunchAsync, late.Token);
        }
        catch (OperationCanceledException)
        {
            throw new SandboxException($"a microVM did not start within {BuildTimeout.TotalSeconds} s: is the host overloaded?");
        }

        async Task<(Sandbox, MachineLink)> LaunchAsync(IReadOnlyList<string> memory, IReadOnlyList<int> descriptors)
        {
            MachineLink? link = null;
            var sandbox = await host.BeginAsync(spec, driver, Start, Task.CompletedTask);
            return (sandbox, link!);

            async Task<SandboxProcesses> Start(SandboxState state)
            {
                var processes = await driver.LaunchTemplateAsync(machine, spec, state, memory, descriptors, late.Token);
                link = (MachineLink)processes.Link;
                return processes;
            }
        }
    }
}

using Porthole.Posix;
using Porthole.Sandboxes.Machines;

namespace Porthole.Sandboxes;

/// <summary>Gets and builds what microVMs are made of, before the first session wants one.</summary>
public static class MicroVmSetup
{
    /// <summary>Does what is missing: the kernel is downloaded, the host's programs are packed. <see cref="SandboxOptions.Report"/> hears how far it is.</summary>
    /// <exception cref="SandboxException">Something cannot be had; the message says what to do.</exception>
    public static async Task RunAsync(SandboxOptions options, CancellationToken cancel)
    {
        foreach (var (program, package) in ((string, string)[])[("qemu-system-x86_64", "qemu-system-x86"), ("mksquashfs", "squashfs-tools"), ("bwrap", "bubblewrap"), ("mkfs.ext4", "e2fsprogs")])
        {
            if (HostTool.Find(program) is null)
                throw new SandboxException($"{program} is missing: install the package {package}");
        }

        Directory.CreateDirectory(options.MachineDirectory, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var mountPoint = Directory.CreateDirectory(Path.Combine(options.CacheDirectory, "mounts")).FullName;
        using var loop = new EventLoop("setup");
        loop.Start();
        try
        {
            var kernel = Path.Combine(options.MachineDirectory, "kernel");
            if (MachineKernel.Find(kernel) is null && MachineKernel.Find("/") is null)
                await new KernelPackage(loop, options).UnpackAsync(kernel, cancel);
            options.Report($"kernel {(MachineKernel.Find(kernel) ?? MachineKernel.Find("/"))?.Release}");
            await new BaseImage(loop, options, options.MachineDirectory, HostTool.Find("bwrap")!, mountPoint).EnsureAsync(cancel);
        }
        finally
        {
            loop.Stop();
            loop.Join();
        }
    }
}

using System.CommandLine;
using Porthole.Server;

namespace Porthole.Cli.Commands;

/// <summary><c>porthole setup</c>: gets what a host lacks for a kind of session.</summary>
internal static class SetupCommand
{
    public static Command Create()
    {
        var command = new PortholeCommand("setup", "Get what sessions of a kind need, ahead of the first one")
        {
            Examples = [new("porthole setup microvm", "before the first microVM")],
        };
        command.Subcommands.Add(CreateMicroVm());
        return command;
    }

    private static PortholeCommand CreateMicroVm()
    {
        var dataDirectory = DataDirectoryOption.Create();
        var config = new Option<FileInfo?>("--config") { Description = "The server's configuration file", HelpName = "FILE" };
        var command = new PortholeCommand("microvm", "Get a kernel for microVMs, and pack this host's programs for them")
        {
            Notes =
            [
                "The kernel is Debian's for clouds: apt downloads it, its checksum is compared, and it is unpacked into the directory of the setting "
                    + "microVmDirectory; nothing is installed. Your own goes there as kernel/boot/vmlinuz-… and kernel/lib/modules/…. "
                    + "The host's programs are packed into a read-only disk, half as large as /usr; that takes a minute, and again when packages change.",
            ],
            Examples = [new("porthole setup microvm", "then: porthole serve --isolation microvm")],
            ExitCodes = [("1", "something cannot be had: the message says what to install")],
            Options = { dataDirectory, config },
        };
        command.SetAction((parsed, cancellation) => Failures.ReportAsync(ExitCode.Failure, async () =>
        {
            var options = ServerConfiguration.Read(parsed.GetValue(config)?.FullName).ToOptions(parsed.GetValue(dataDirectory)!);
            await PortholeServer.SetUpMicroVmsAsync(options, Console.Error.WriteLine, cancellation);
            return ExitCode.Success;
        }));
        return command;
    }
}

using System.CommandLine;
using Porthole.Cli.Commands;

var root = new RootCommand("Runs AI agent sessions in isolated sandboxes and opens real terminals inside them.")
{
    ServeCommand.Create(),
    EnvCommand.Create(),
};
return await root.Parse(args).InvokeAsync();

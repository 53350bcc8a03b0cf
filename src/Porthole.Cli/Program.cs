using System.CommandLine;
using System.CommandLine.Invocation;
using Porthole.Cli;

var root = CommandTree.Create();
var parsed = root.Parse(args, CommandTree.Parsing);
if (parsed.Action is ParseErrorAction) return UsageErrors.Report(parsed);

// A command that owns its signals leaves in order by itself; the library would cut it short.
var invocation = new InvocationConfiguration { EnableDefaultExceptionHandler = false };
if (parsed.CommandResult.Command is PortholeCommand { OwnsSignals: true }) invocation.ProcessTerminationTimeout = null;
return await parsed.InvokeAsync(invocation);

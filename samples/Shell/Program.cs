// The README's example as a program: a shell in a new session, ahead-of-time compiled.
using System.Text;
using Porthole.Client;

using var client = new AgentCoreClient();                       // endpoint, region and key from the environment, as above
await using var shell = await client.OpenShellAsync(Environment.GetEnvironmentVariable("PORTHOLE_RUNTIME_ARN")!);
await shell.SendAsync("uname -a; exit 7\n"u8.ToArray());
await foreach (var message in shell.ReadAllAsync())
    Console.Out.Write(Encoding.UTF8.GetString(message.Output.Span));
Console.WriteLine(shell.End);

using System.Diagnostics;

namespace Porthole.EndToEnd.Tests.Harness;

/// <summary>
/// A small image: one static program with many names, and an agent, made of it, that says who it is. Put together by the tools that unpack images.
/// </summary>
internal static class BoxImage
{
    private const string Script = """
        set -e
        cd "$1"
        mkdir -p tree/bin tree/etc tree/usr tree/tmp tree/home/agent
        cp /bin/busybox tree/bin/busybox
        for name in sh ls cat id wc nc head touch; do ln -s busybox tree/bin/$name; done
        echo boxed > tree/word
        printf 'root:x:0:0:root:/root:/bin/sh\nagent:x:1000:1000:agent:/home/agent:/bin/sh\n' > tree/etc/passwd
        printf 'root:x:0:\nagent:x:1000:\ntools:x:2000:agent\n' > tree/etc/group
        cat > tree/bin/answer <<'END'
        #!/bin/sh
        read -r method path version
        length=0
        while read -r name value && [ ${#name} -gt 1 ]; do
          case $name in [Cc]ontent-[Ll]ength:) length=${value%?};; esac
        done
        body=$(head -c "$length")
        case $path in
          /ping) answer='{"status":"Healthy"}';;
          *) answer="$body from $(id) in $PWD with $FROM_IMAGE and $FROM_RUNTIME";;
        esac
        printf 'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\nConnection: close\r\n\r\n%s' ${#answer} "$answer"
        END
        printf '#!/bin/sh\nid -un > started\nexec nc -ll -p 8080 -e "$@"\n' > tree/bin/listen
        chmod 755 tree/bin/answer tree/bin/listen
        chmod 1777 tree/tmp
        [ "$(id -u)" != 0 ] || chown 1000:1000 tree/home/agent
        umoci init --layout layout
        umoci new --image layout:test
        umoci insert $2 --image layout:test tree /
        umoci config --image layout:test --config.workingdir /home/agent --config.env FROM_IMAGE=image --config.user agent \
          --config.entrypoint /bin/listen --config.cmd /bin/answer
        skopeo copy --insecure-policy oci:layout:test docker-archive:image.tar:boxed:1
        rm -r tree layout
        """;

    /// <summary>Makes the image.</summary>
    /// <param name="root">A directory for its archive.</param>
    /// <returns>Its reference.</returns>
    public static async Task<string> ArchiveAsync(string root)
    {
        string[] arguments = ["-c", Script, "sh", root, Environment.IsPrivilegedProcess ? "" : "--rootless"];
        using var tools = Process.Start(new ProcessStartInfo("sh", arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = tools.StandardOutput.ReadToEndAsync();
        var errors = await tools.StandardError.ReadToEndAsync().InTime();
        await tools.WaitForExitAsync().InTime();
        Assert.True(tools.ExitCode == 0, await output + errors);
        return $"docker-archive:{root}/image.tar";
    }
}

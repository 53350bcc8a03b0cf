using Porthole.Posix;

namespace Porthole.Launch;

/// <summary>A session's own copy of an image's files, where the kernel cannot share them.</summary>
internal static unsafe class ImageCopy
{
    /// <summary>Copies all of a directory with cp(1), which knows every kind of file.</summary>
    public static void Make(string source, string target)
    {
        Directory.CreateDirectory(target);
        var pid = new ProcessStart
        {
            Path = "/bin/cp",
            Arguments = ["cp", "--archive", "--reflink=auto", "--no-target-directory", source, target],
            Environment = ["LC_ALL=C"],
            Descriptors = [-1, 2, 2],
        }.Start();
        int status;
        if (Libc.WaitPid(pid, &status, 0) != pid || status != 0)
            throw new IOException($"copy the image: cp failed with status {status >> 8}");
    }
}

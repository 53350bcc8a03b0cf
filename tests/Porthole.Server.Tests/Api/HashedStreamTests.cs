using System.Security.Cryptography;
using FsCheck.Xunit;
using Porthole.Protocol.Aws;
using Porthole.Server.Api;

namespace Porthole.Server.Tests.Api;

public sealed class HashedStreamTests
{
    [Property(MaxTest = 50)]
    public async Task What_was_announced_is_read_whole(ushort length, byte seed)
    {
        var bytes = Bytes(length * 5, seed);
        await using var stream = new HashedStream(new MemoryStream(bytes), SigV4.Sha256Hex(bytes));
        var read = new MemoryStream();
        await stream.CopyToAsync(read, TestContext.Current.CancellationToken);
        Assert.Equal(bytes, read.ToArray());
        Assert.Null(stream.Failure);
    }

    [Property(MaxTest = 50)]
    public async Task Anything_else_breaks_off_before_its_end(ushort length, byte seed)
    {
        var bytes = Bytes((length * 5) + 1, seed);
        var announced = Convert.ToHexStringLower(SHA256.HashData(bytes.Append((byte)0).ToArray()));
        await using var stream = new HashedStream(new MemoryStream(bytes), announced);
        var read = new MemoryStream();
        await Assert.ThrowsAsync<IOException>(() => stream.CopyToAsync(read, TestContext.Current.CancellationToken));
        Assert.True(read.Length < bytes.Length);
        Assert.Equal((403, "AccessDeniedException"), (stream.Failure!.Status, stream.Failure.Name));
        Assert.Equal(0, await stream.ReadAsync(new byte[10], TestContext.Current.CancellationToken));
    }

    private static byte[] Bytes(int length, byte seed)
    {
        var bytes = new byte[length];
        new Random(seed).NextBytes(bytes);
        return bytes;
    }
}

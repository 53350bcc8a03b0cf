using System.Buffers.Binary;

namespace Porthole.Sandboxes.Tests;

/// <summary>Runs a seccomp filter as the kernel would: the four kinds of instruction that ours have, and no jump past the end.</summary>
internal sealed class BpfMachine(byte[] program)
{
    public uint Run(uint number, uint architecture, params ulong[] arguments)
    {
        var data = new byte[64];
        BinaryPrimitives.WriteUInt32LittleEndian(data, number);
        BinaryPrimitives.WriteUInt32LittleEndian(data.AsSpan(4), architecture);
        for (var i = 0; i < arguments.Length; i++)
            BinaryPrimitives.WriteUInt64LittleEndian(data.AsSpan(16 + (i * 8)), arguments[i]);

        uint accumulator = 0;
        for (var position = 0; ; position++)
        {
            var instruction = program.AsSpan(position * 8, 8);
            var operand = BinaryPrimitives.ReadUInt32LittleEndian(instruction[4..]);
            var (ifTrue, ifFalse) = (instruction[2], instruction[3]);
            switch (BinaryPrimitives.ReadUInt16LittleEndian(instruction))
            {
                case 0x20:
                    accumulator = BinaryPrimitives.ReadUInt32LittleEndian(data.AsSpan((int)operand));
                    break;
                case 0x15:
                    position += accumulator == operand ? ifTrue : ifFalse;
                    break;
                case 0x35:
                    position += accumulator >= operand ? ifTrue : ifFalse;
                    break;
                case 0x45:
                    position += (accumulator & operand) != 0 ? ifTrue : ifFalse;
                    break;
                case 0x06:
                    return operand;
                default:
                    throw new InvalidOperationException($"no such instruction at {position}");
            }
        }
    }
}

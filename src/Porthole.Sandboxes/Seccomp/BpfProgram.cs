using System.Buffers.Binary;

namespace Porthole.Sandboxes.Seccomp;

/// <summary>Assembles a classic BPF program over struct seccomp_data (seccomp(2)): a chain of tests, each with its own answer.</summary>
internal sealed class BpfProgram
{
    /// <summary>Bytes of one instruction, struct sock_filter: code (2), jump if true (1), jump if false (1), operand (4).</summary>
    public const int InstructionBytes = 8;

    // linux/bpf_common.h
    private const ushort LoadWord = 0x20, JumpEqual = 0x15, JumpGreaterOrEqual = 0x35, JumpAnyBit = 0x45, ReturnConstant = 0x06;

    // linux/seccomp.h
    private const uint AnswerAllow = 0x7fff0000, AnswerErrno = 0x00050000, AnswerKill = 0x80000000;

    // struct seccomp_data: number, architecture, instruction pointer (8 bytes), six arguments of 8 bytes.
    private const uint NumberOffset = 0, ArchitectureOffset = 4, ArgumentsOffset = 16;

    private readonly List<byte> _code = [];

    /// <summary>Ends the process when it does not run on this architecture (linux/audit.h).</summary>
    public void RequireArchitecture(uint architecture)
    {
        Add(LoadWord, 0, 0, ArchitectureOffset);
        Add(JumpEqual, 1, 0, architecture);
        Add(ReturnConstant, 0, 0, AnswerKill);
        Add(LoadWord, 0, 0, NumberOffset);
    }

    /// <summary>Answers all calls from a number on with an error.</summary>
    public void RefuseFrom(uint number, int errno)
    {
        Add(JumpGreaterOrEqual, 0, 1, number);
        Refuse(errno);
    }

    /// <summary>Answers a call with an error.</summary>
    public void Refuse(uint number, int errno)
    {
        Add(JumpEqual, 0, 1, number);
        Refuse(errno);
    }

    /// <summary>Answers a call with an error when one of these bits is set in an argument's lower half.</summary>
    public void RefuseBits(uint number, int argument, uint bits, int errno)
    {
        Add(JumpEqual, 0, 4, number);
        LoadArgument(argument);
        Add(JumpAnyBit, 0, 1, bits);
        Refuse(errno);
        Allow();
    }

    /// <summary>
    /// Answers a call with an error when an argument's lower half has one of these values. The upper half does not count, as the kernel
    /// ignores it too where the argument is an int: comparing all of it would let a call pass that has a stray bit there (CVE-2019-10063).
    /// </summary>
    public void RefuseValues(uint number, int argument, ReadOnlySpan<uint> values, int errno)
    {
        Add(JumpEqual, 0, (byte)((values.Length * 2) + 2), number);
        LoadArgument(argument);
        foreach (var value in values)
        {
            Add(JumpEqual, 0, 1, value);
            Refuse(errno);
        }

        Allow();
    }

    /// <summary>Answers a call with an error unless an argument's lower half has one of these values.</summary>
    public void RequireValues(uint number, int argument, ReadOnlySpan<uint> values, int errno)
    {
        Add(JumpEqual, 0, (byte)((values.Length * 2) + 2), number);
        LoadArgument(argument);
        foreach (var value in values)
        {
            Add(JumpEqual, 0, 1, value);
            Allow();
        }

        Refuse(errno);
    }

    /// <summary>Allows what is left, and ends the program.</summary>
    public byte[] AllowTheRest()
    {
        Allow();
        return [.. _code];
    }

    // Both architectures are little-endian: the lower half comes first. What follows a test of an argument never needs the number again.
    private void LoadArgument(int argument) => Add(LoadWord, 0, 0, ArgumentsOffset + ((uint)argument * 8));

    private void Refuse(int errno) => Add(ReturnConstant, 0, 0, AnswerErrno | (uint)errno);

    private void Allow() => Add(ReturnConstant, 0, 0, AnswerAllow);

    private void Add(ushort code, byte ifTrue, byte ifFalse, uint operand)
    {
        Span<byte> instruction = stackalloc byte[InstructionBytes];
        BinaryPrimitives.WriteUInt16LittleEndian(instruction, code);
        instruction[2] = ifTrue;
        instruction[3] = ifFalse;
        BinaryPrimitives.WriteUInt32LittleEndian(instruction[4..], operand);
        _code.AddRange(instruction);
    }
}

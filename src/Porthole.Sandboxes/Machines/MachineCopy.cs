namespace Porthole.Sandboxes.Machines;

/// <summary>What a machine is and what it was copied from: enough to make QEMU load it again.</summary>
/// <param name="Description">The machine.</param>
/// <param name="Template">Id of the template.</param>
/// <param name="Storage">Its disks that outlive it.</param>
internal sealed record MachineCopy(MachineDescription Description, string Template, IReadOnlyList<SandboxMount> Storage);

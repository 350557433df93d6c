using System.Runtime.InteropServices;

namespace Generation.Schedules;

/// <summary>The calls of the network that a run makes, as indices into the timesteps of its schedule.</summary>
/// <param name="Begin">The first.</param>
/// <param name="End">The one after the last.</param>
/// <param name="Of">How many the whole schedule has: tells a window of another schedule.</param>
[StructLayout(LayoutKind.Auto)]
public readonly record struct StepWindow(int Begin, int End, int Of)
{
    /// <summary>How many calls are made.</summary>
    public int Count => Math.Max(0, End - Begin);
}

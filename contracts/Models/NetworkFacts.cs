using System.Text.Json;

namespace Generation.Contracts;

/// <summary>What a model's files say that its jobs are planned by. Workers read it there and register it.</summary>
/// <param name="Scheduler">The model's own scheduler, as its scheduler_config.json has it, with its class.</param>
/// <param name="SeesMask">Whether its network is told of the mask when it paints inside one.</param>
public sealed record NetworkFacts(JsonElement Scheduler, bool SeesMask);

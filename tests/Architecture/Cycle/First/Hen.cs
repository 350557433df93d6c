using Generation.Architecture.Tests.Cycle.Second;

namespace Generation.Architecture.Tests.Cycle.First;

/// <summary>Knows <see cref="Egg"/>, which knows it: a cycle that the tests must find.</summary>
internal sealed record Hen(Egg? Egg);

namespace Generation.Kernels.Tests;

public sealed class ThreadTeamTests
{
    [TestCase(0), TestCase(1), TestCase(2), TestCase(1000)]
    public void For_AnyNumberOfPieces_RunsEachOnce(int pieces)
    {
        int[] calls = new int[pieces];
        ThreadTeam.For(pieces, piece => Interlocked.Increment(ref calls[piece]));
        Assert.That(calls, Is.All.EqualTo(1));
    }

    [Test]
    public void For_APieceThrows_ThrowsItsException()
    {
        InvalidOperationException? thrown = Assert.Throws<InvalidOperationException>(() =>
            ThreadTeam.For(100, static piece => throw new InvalidOperationException($"piece {piece}"))
        );
        Assert.That(thrown!.Message, Does.StartWith("piece "));
    }
}

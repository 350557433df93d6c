using Generation.Kernels.Attention;

namespace Generation.Kernels.Tests.Attention;

public sealed unsafe class AttentionKernelTests
{
    private static readonly AttentionShape[] Shapes =
    [
        new(1, 1, 1, 1, 1),
        new(2, 3, 1, 5, 8),
        new(1, 2, 77, 77, 64),
        new(2, 4, 65, 77, 40),
        new(1, 1, 50, 333, 512),
        new(1, 5, 33, 65, 7),
        new(1, 2, 49, 256, 160),
        new(1, 2, 70, 701, 40),
        new(1, 2, 25, 1024, 80),
        new(1, 1, 3, 130, 129),
        new(1, 1, 24, 128, 3),
    ];

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_AnyShape_IsTheDefinition(InstructionSet set, Element element)
    {
        foreach (AttentionShape shape in Shapes)
        {
            using var data = new AttentionData(shape, element, seed: (int)shape.Keys);
            AttentionKernel.Run(data.Task(), set);
            data.Check();
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_HeadsSideBySide_IsTheDefinition(InstructionSet set, Element element)
    {
        foreach (AttentionShape shape in Shapes)
        {
            using var data = new AttentionData(shape, element, seed: 2, headsSideBySide: true);
            AttentionKernel.Run(data.Task(), set);
            data.Check();
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_MaskForEachQueryOrForAll_IsAdded(InstructionSet set, Element element)
    {
        var shape = new AttentionShape(2, 3, 70, 150, 20);
        foreach ((int batch, int heads, int queries) in new[] { (2, 3, 70), (1, 1, 70), (2, 1, 1), (1, 3, 1), (1, 1, 1) })
        {
            using var data = new AttentionData(shape, element, seed: 3);
            using var mask = GuardedArray.Random(Element.Float32, batch * heads * queries * shape.Keys, seed: 4, deviation: 3);
            for (long i = 0; i < mask.Count; i += 5)
            {
                mask[i] = i % 2 == 0 ? float.NegativeInfinity : -float.MaxValue;
            }

            data.SetMask(mask, batch, heads, queries);
            foreach (bool causal in new[] { false, true })
            {
                AttentionKernel.Run(data.Task(causal), set);
                data.Check(causal);
            }
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_Causal_SeesNoLaterKey(InstructionSet set, Element element)
    {
        foreach (AttentionShape shape in new AttentionShape[] { new(1, 2, 77, 77, 16), new(1, 1, 300, 200, 8), new(1, 1, 100, 400, 24) })
        {
            using var data = new AttentionData(shape, element, seed: 5);
            AttentionKernel.Run(data.Task(causal: true), set);
            data.Check(causal: true);
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_QueriesWithoutKeys_AreZero_AndWithTheLowestNumberOnly_WeighAllAlike(InstructionSet set, Element element)
    {
        var shape = new AttentionShape(1, 1, 3, 200, 8);
        using var data = new AttentionData(shape, element, seed: 6);
        using var mask = new GuardedArray(Element.Float32, 3 * shape.Keys);
        for (long k = 0; k < shape.Keys; k++)
        {
            mask[k] = float.NegativeInfinity;
            mask[shape.Keys + k] = -float.MaxValue;
        }

        data.SetMask(mask, 1, 1, 3);
        AttentionKernel.Run(data.Task(), set);
        for (long d = 0; d < shape.Size; d++)
        {
            Assert.That(data.Output[d], Is.Zero);
            double mean = Enumerable.Range(0, (int)shape.Keys).Average(k => (double)data.Value[k * shape.Size + d]);
            Assert.That(data.Output[shape.Size + d], Is.EqualTo(mean).Within(element == Element.BFloat16 ? 1e-3 : 1e-6));
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_LargeScores_AreOneKeyEach(InstructionSet set, Element element)
    {
        var shape = new AttentionShape(1, 2, 40, 300, 16);
        using var data = new AttentionData(shape, element, seed: 7, deviation: 300);
        AttentionKernel.Run(data.Task(), set);
        data.Check();
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_OneThreadOrMany_OneHeadOrAll_HasTheSameBits(InstructionSet set, Element element)
    {
        // large enough for several blocks a piece, and for more heads than are packed at once
        var shape = new AttentionShape(2, 2, 500, 1300, 512);
        using var data = new AttentionData(shape, element, seed: 8);
        InstructionSets.WithThreads(1, () => AttentionKernel.Run(data.Task(), set));
        byte[] one = data.Output.Bytes();
        data.Clear();
        InstructionSets.WithThreads(3, () => AttentionKernel.Run(data.Task(), set));
        Assert.That(data.Output.Bytes(), Is.EqualTo(one));
        data.Clear();
        for (int head = 0; head < 4; head++)
        {
            AttentionKernel.Run(data.TaskOfHead(head), set);
        }

        Assert.That(data.Output.Bytes(), Is.EqualTo(one));
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_NotANumberInAKey_ReachesEachQueryOfItsHeadOnly(InstructionSet set, Element element)
    {
        var shape = new AttentionShape(1, 2, 30, 140, 12);
        using var data = new AttentionData(shape, element, seed: 9);
        if (element == Element.BFloat16)
        {
            ((ushort*)data.Key.Data)[100 * shape.Size] = 0x7fc0;
        }
        else
        {
            data.Key[100 * shape.Size] = float.NaN;
        }

        AttentionKernel.Run(data.Task(), set);
        for (long i = 0; i < shape.Length * shape.Size; i++)
        {
            Assert.That(data.Output[i], Is.NaN);
            Assert.That(data.Output[shape.Length * shape.Size + i], Is.Not.NaN);
        }
    }

    [Test]
    public void Run_NoKeysOrNoInstructions_LeavesItToOthers()
    {
        using var none = new AttentionData(new AttentionShape(1, 1, 1, 0, 4), Element.Float32, seed: 1);
        using var one = new AttentionData(new AttentionShape(1, 1, 1, 1, 4), Element.Float32, seed: 1);
        Assert.That(AttentionKernel.Run(none.Task(), InstructionSet.Avx2), Is.False);
        Assert.That(AttentionKernel.Run(one.Task(), InstructionSet.Baseline), Is.False);
    }
}

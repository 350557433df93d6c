using Generation.Kernels.Pointwise;

namespace Generation.Kernels.Tests.Pointwise;

public sealed unsafe class GroupNormKernelTests
{
    private static readonly (long Batch, long Channels, long Area, long Groups)[] Shapes =
    [
        (1, 1, 1, 1),
        (2, 6, 5, 3),
        (1, 32, 64, 32),
        (3, 40, 35, 8),
        (2, 320, 13, 32),
        (1, 17, 4501, 1),
        (1, 2, 20001, 2),
    ];

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_AnyShapeAndLayout_IsTheNormOfGroups(InstructionSet set, Element element)
    {
        foreach ((long batch, long channels, long area, long groups) in Shapes)
        {
            using var x = GuardedArray.Random(element, batch * channels * area, seed: (int)area, mean: 2, deviation: 3);
            using var weight = GuardedArray.Random(Element.Float32, channels, seed: 1);
            using var bias = GuardedArray.Random(Element.Float32, channels, seed: 2);
            using var added = GuardedArray.Random(Element.BFloat16, batch * channels, seed: 3, deviation: 2);
            using var y = new GuardedArray(element, x.Count);
            foreach (bool last in new[] { false, true })
            {
                foreach (bool whole in new[] { false, true })
                {
                    var task = new GroupNormTask
                    {
                        Element = element,
                        Input = x.Data,
                        Output = y.Data,
                        ChannelsLast = last,
                        Batch = batch,
                        Channels = channels,
                        Area = area,
                        Groups = groups,
                        Weight = whole ? weight.Data : null,
                        Bias = whole ? bias.Data : null,
                        Added = whole ? added.Data : null,
                        AddedElement = Element.BFloat16,
                        Silu = whole,
                        Eps = 1e-6,
                    };
                    GroupNormKernel.Run(task, set);
                    Check(task, x, y, whole ? weight : null, whole ? bias : null, whole ? added : null);
                }
            }
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_MeanFarFromNothing_LosesNoVariance(InstructionSet set, Element element)
    {
        // bfloat16 has 8 bits, so its numbers about 50 are 0.25 apart
        double mean = element == Element.BFloat16 ? 50 : 1000;
        const long channels = 32;
        const long area = 1024;
        using var x = GuardedArray.Random(element, channels * area, seed: 6, mean: mean, deviation: 0.5);
        using var y = new GuardedArray(element, x.Count);
        foreach (bool last in new[] { false, true })
        {
            var task = new GroupNormTask
            {
                Element = element,
                Input = x.Data,
                Output = y.Data,
                ChannelsLast = last,
                Batch = 1,
                Channels = channels,
                Area = area,
                Groups = 8,
                Eps = 1e-6,
            };
            GroupNormKernel.Run(task, set);
            Check(task, x, y, null, null, null);
        }
    }

    [TestCaseSource(typeof(InstructionSets), nameof(InstructionSets.WithElements))]
    public void Run_InPlaceByManyThreads_HasTheBitsOfEachPictureAlone(InstructionSet set, Element element)
    {
        const long batch = 3;
        const long channels = 72;
        const long area = 2049;
        int width = element == Element.BFloat16 ? 2 : 4;
        foreach (bool last in new[] { false, true })
        {
            using var x = GuardedArray.Random(element, batch * channels * area, seed: 8);
            using var added = GuardedArray.Random(Element.Float32, batch * channels, seed: 9);
            using var alone = new GuardedArray(element, x.Count);
            GroupNormTask Task(long first, long count, byte* output) =>
                new()
                {
                    Element = element,
                    Input = x.Data + first * channels * area * width,
                    Output = output + first * channels * area * width,
                    ChannelsLast = last,
                    Batch = count,
                    Channels = channels,
                    Area = area,
                    Groups = 6,
                    Added = added.Data + first * channels * sizeof(float),
                    Eps = 1e-5,
                    Silu = true,
                };
            InstructionSets.WithThreads(1, () =>
            {
                for (long picture = 0; picture < batch; picture++)
                {
                    GroupNormKernel.Run(Task(picture, 1, alone.Data), set);
                }
            });
            InstructionSets.WithThreads(5, () => GroupNormKernel.Run(Task(0, batch, x.Data), set));
            Assert.That(x.Bytes(), Is.EqualTo(alone.Bytes()));
        }
    }

    [Test]
    public void Run_ChannelsThatDoNotDivide_Throws()
    {
        var task = new GroupNormTask
        {
            Element = Element.Float32,
            Input = null,
            Output = null,
            ChannelsLast = true,
            Batch = 1,
            Channels = 10,
            Area = 0,
            Groups = 3,
            Eps = 0,
        };
        Assert.That(() => GroupNormKernel.Run(task, InstructionSet.Avx2), Throws.ArgumentException.With.Message.Contains("10 channels"));
    }

    private static void Check(
        in GroupNormTask task,
        GuardedArray x,
        GuardedArray y,
        GuardedArray? weight,
        GuardedArray? bias,
        GuardedArray? added
    )
    {
        (long channels, long area, bool last) = (task.Channels, task.Area, task.ChannelsLast);
        long inGroup = channels / task.Groups;
        long Place(long picture, long c, long i) => picture * channels * area + (last ? i * channels + c : c * area + i);
        double Value(long picture, long c, long i) => x[Place(picture, c, i)] + (double)(added?[picture * channels + c] ?? 0);
        for (long unit = 0; unit < task.Batch * task.Groups; unit++)
        {
            long picture = unit / task.Groups;
            long first = unit % task.Groups * inGroup;
            double mean = 0;
            double variance = 0;
            for (long n = 0; n < inGroup * area; n++)
            {
                mean += Value(picture, first + n / area, n % area) / (inGroup * area);
            }

            for (long n = 0; n < inGroup * area; n++)
            {
                variance += Math.Pow(Value(picture, first + n / area, n % area) - mean, 2) / (inGroup * area);
            }

            for (long n = 0; n < inGroup * area; n++)
            {
                long c = first + n / area;
                double normed = (Value(picture, c, n % area) - mean) / Math.Sqrt(variance + task.Eps);
                normed = normed * (weight?[c] ?? 1) + (bias?[c] ?? 0);
                double expected = task.Silu ? Exact.Silu(normed) : normed;
                float actual = y[Place(picture, c, n % area)];

                // the norm is one product and one sum in float32, which round as the numbers' distance from 0 in deviations asks
                double distance = Math.Abs(Value(picture, c, n % area)) + Math.Abs(mean);
                double rounding = 2e-7 * distance / Math.Sqrt(variance + task.Eps) * Math.Max(1, Math.Abs(weight?[c] ?? 1));
                double allowed = 1e-5 + rounding + (y.Element == Element.BFloat16 ? Math.Abs(expected) / 255 : 0);
                if (!(Math.Abs(actual - expected) <= allowed))
                {
                    Assert.Fail($"{channels} channels of {area}, last {last}, channel {c}: {actual:g9} is not {expected:g9}");
                }
            }
        }
    }
}

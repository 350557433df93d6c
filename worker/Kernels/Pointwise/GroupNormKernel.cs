using System.Runtime.Intrinsics;
using Generation.Kernels.Vectors;

namespace Generation.Kernels.Pointwise;

/// <summary>
/// Group norm with the addition before it and the activation after it, in two passes over memory: one for the sums, one for the result.
/// </summary>
public static unsafe class GroupNormKernel
{
    /// <summary>Whether this processor has the instructions, and may use them.</summary>
    public static bool IsSupported => Processor.HasAvx2;

    /// <exception cref="ArgumentException">The channels do not divide into the groups.</exception>
    public static void Run(in GroupNormTask task) => Run(task, Processor.Vectors);

    internal static void Run(in GroupNormTask task, InstructionSet set)
    {
        if (task.Groups <= 0 || task.Channels % task.Groups != 0)
        {
            throw new ArgumentException($"{task.Channels} channels do not divide into {task.Groups} groups", nameof(task));
        }

        if (task.Batch * task.Channels * task.Area == 0)
        {
            return;
        }

        switch (Processor.Require(set), task.Element)
        {
            case (InstructionSet.Avx512, Element.BFloat16):
                Run<BFloat16Numbers, Lanes512, Vector512<float>>(task);
                break;
            case (InstructionSet.Avx512, _):
                Run<Float32Numbers, Lanes512, Vector512<float>>(task);
                break;
            case (_, Element.BFloat16):
                Run<BFloat16Numbers, Lanes256, Vector256<float>>(task);
                break;
            default:
                Run<Float32Numbers, Lanes256, Vector256<float>>(task);
                break;
        }
    }

    private static void Run<TNumbers, TLanes, TVector>(GroupNormTask task)
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        // Sums of each channel by runs of rows, which threads share; how long a run is depends on the picture alone.
        long runRows = task.ChannelsLast ? Math.Clamp(task.Area / 64, 64, 1024) : task.Area;
        long runs = (task.Area + runRows - 1) / runRows;
        long padded = NativeArray.RoundUp(task.Channels);
        byte* input = (byte*)task.Input;
        byte* output = (byte*)task.Output;
        long numbers = task.Channels * task.Area;

        using var sums = new NativeArray(task.Batch * runs * padded * 2);
        using var norms = new NativeArray(task.Batch * padded * 2);
        float* sum = sums.Numbers;
        float* norm = norms.Numbers;
        if (task.ChannelsLast)
        {
            ThreadTeam.ForRows(task.Batch * runs, runRows * task.Channels, (begin, end) =>
            {
                for (long unit = begin; unit < end; unit++)
                {
                    long first = unit % runs * runRows;
                    long rows = Math.Min(runRows, task.Area - first);
                    byte* picture = input + unit / runs * numbers * TNumbers.Size;
                    ChannelSums.OfRows<TNumbers, TLanes, TVector>(picture, first, rows, task.Channels, sum + unit * padded * 2, padded);
                }
            });
        }
        else
        {
            ThreadTeam.ForRows(task.Batch * task.Channels, task.Area, (begin, end) =>
            {
                for (long unit = begin; unit < end; unit++)
                {
                    float* to = sum + unit / task.Channels * padded * 2 + unit % task.Channels;
                    ChannelSums.OfRun<TNumbers, TLanes, TVector>(input + unit * task.Area * TNumbers.Size, task.Area, to, padded);
                }
            });
        }

        ThreadTeam.ForRows(task.Batch * task.Groups, task.Channels / task.Groups * runs, (begin, end) =>
        {
            for (long unit = begin; unit < end; unit++)
            {
                Finish<TNumbers>(task, unit / task.Groups, unit % task.Groups, runs, padded, sum, norm);
            }
        });

        if (task.Silu)
        {
            Scale<Silu, TNumbers, TLanes, TVector>(task, input, output, norm, padded);
        }
        else
        {
            Scale<Identity, TNumbers, TLanes, TVector>(task, input, output, norm, padded);
        }
    }

    /// <summary>
    /// Turns the norm of a group into a scale and a shift of each channel: for each picture (padded) scales, then (padded) shifts.
    /// </summary>
    private static void Finish<TNumbers>(in GroupNormTask task, long picture, long group, long runs, long padded, float* sums, float* norms)
        where TNumbers : struct, INumbers
    {
        long inGroup = task.Channels / task.Groups;
        long first = group * inGroup;
        float* scale = norms + picture * padded * 2;
        double mean = 0;
        double squares = 0;
        for (long c = 0; c < inGroup; c++)
        {
            // sums of x - pivot and of their squares: little is lost where the mean is far from 0
            double own = 0;
            double ownSquares = 0;
            for (long run = 0; run < runs; run++)
            {
                float* from = sums + (picture * runs + run) * padded * 2 + first + c;
                own += from[0];
                ownSquares += from[padded];
            }

            long place = picture * task.Channels * task.Area + (task.ChannelsLast ? first + c : (first + c) * task.Area);
            double offset = own / task.Area;
            double channelMean =
                offset
                + Parameters.Read(task.Input, task.Element, place, 0)
                + Parameters.Read(task.Added, task.AddedElement, picture * task.Channels + first + c, 0);
            double channelSquares = ownSquares - own * offset;

            // joins the channel to those before it (Chan, Golub and LeVeque, 1979)
            double distance = channelMean - mean;
            mean += distance / (c + 1);
            squares += channelSquares + distance * distance * task.Area * c / (c + 1);
        }

        double inverse = 1 / Math.Sqrt(Math.Max(0, squares / (inGroup * task.Area)) + task.Eps);
        for (long c = first; c < first + inGroup; c++)
        {
            double factor = Parameters.Read(task.Weight, task.Parameters, c, 1) * inverse;
            double added = Parameters.Read(task.Added, task.AddedElement, picture * task.Channels + c, 0);
            scale[c] = (float)factor;
            scale[padded + c] = (float)(Parameters.Read(task.Bias, task.Parameters, c, 0) + (added - mean) * factor);
        }
    }

    private static void Scale<TActivation, TNumbers, TLanes, TVector>(
        GroupNormTask task,
        byte* input,
        byte* output,
        float* norms,
        long padded
    )
        where TActivation : struct, IActivation
        where TNumbers : struct, INumbers
        where TLanes : struct, ILanes<TVector>
        where TVector : unmanaged
    {
        if (task.ChannelsLast)
        {
            ThreadTeam.ForRows(task.Batch * task.Area, task.Channels, (begin, end) =>
            {
                for (long row = begin; row < end; )
                {
                    long picture = row / task.Area;
                    long last = Math.Min(end, (picture + 1) * task.Area);
                    float* scale = norms + picture * padded * 2;
                    long place = row * task.Channels * TNumbers.Size;
                    ChannelScale.Rows<TActivation, TNumbers, TLanes, TVector>(
                        input + place,
                        output + place,
                        last - row,
                        task.Channels,
                        scale,
                        scale + padded
                    );
                    row = last;
                }
            });
        }
        else
        {
            ThreadTeam.ForRows(task.Batch * task.Channels, task.Area, (begin, end) =>
            {
                for (long unit = begin; unit < end; unit++)
                {
                    float* scale = norms + unit / task.Channels * padded * 2 + unit % task.Channels;
                    long place = unit * task.Area * TNumbers.Size;
                    ChannelScale.Run<TActivation, TNumbers, TLanes, TVector>(
                        input + place,
                        output + place,
                        task.Area,
                        scale[0],
                        scale[padded]
                    );
                }
            });
        }
    }
}

using System.Collections.Concurrent;

namespace Generation.Fuzzing;

/// <summary>A reader of strangers' bytes.</summary>
/// <param name="Name">What it reads.</param>
/// <param name="Seeds">Right inputs.</param>
/// <param name="Read">Reads one input; the bytes are its own.</param>
/// <param name="Refusals">The exceptions by which it refuses wrong inputs.</param>
public sealed record Parser(string Name, IReadOnlyList<byte[]> Seeds, Action<byte[]> Read, params Type[] Refusals)
{
    /// <summary>Whether an exception says that the input is wrong, and not that the parser is.</summary>
    public bool Refuses(Exception exception) => Refusals.Any(type => type.IsInstanceOfType(exception));
}

/// <summary>
/// Gives a parser many wrong inputs. Each must be read or refused, with at most <see cref="MaxBytes"/> of memory and
/// <see cref="MaxCpu"/> of a processor's time; what takes longer is tried again, so that nothing else of the process is counted.
/// </summary>
public static class ParserFuzzer
{
    /// <summary>Most memory of one input, in bytes allocated.</summary>
    public const long MaxBytes = 256 << 20;

    /// <summary>Most time of one input on a processor.</summary>
    public static readonly TimeSpan MaxCpu = TimeSpan.FromMilliseconds(100);

    private const int Batch = 1000;
    private const int Tries = 5;

    /// <summary>Tries so many inputs, on as many threads as there are processors.</summary>
    /// <param name="parser">The parser.</param>
    /// <param name="inputs">How many inputs.</param>
    /// <param name="seed">The same inputs for the same seed.</param>
    public static FuzzReport Run(Parser parser, long inputs, int seed)
    {
        var faults = new ConcurrentQueue<string>();
        long refused = 0;
        long batches = (inputs + Batch - 1) / Batch;
        Parallel.For(0, batches, batch =>
        {
            var mutator = new Mutator(new Random(HashCode.Combine(seed, batch)));
            long wrong = 0;
            for (long i = batch * Batch; i < Math.Min(inputs, (batch + 1) * Batch) && faults.Count < FuzzReport.MaxFaults; i++)
            {
                byte[] input = mutator.Change(mutator.Of(parser.Seeds));
                wrong += Try(parser, input, faults) ? 0 : 1;
            }

            Interlocked.Add(ref refused, wrong);
        });
        return new FuzzReport(parser.Name, inputs, refused, [.. faults]);
    }

    /// <summary>Tries one input; returns whether it was read.</summary>
    private static bool Try(Parser parser, byte[] input, ConcurrentQueue<string> faults)
    {
        bool isRead = true;
        long allocated = GC.GetAllocatedBytesForCurrentThread();
        TimeSpan cpu = ThreadCpu.Used;
        byte[] own = [.. input];
        try
        {
            parser.Read(own);
        }
        catch (Exception e) when (parser.Refuses(e))
        {
            isRead = false;
        }
        catch (Exception e)
        {
            faults.Enqueue($"{Shown(input)}: {e.GetType().Name}: {e.Message} {e.StackTrace?.Split('\n').FirstOrDefault()?.Trim()}");
            return false;
        }

        cpu = ThreadCpu.Used - cpu;
        allocated = GC.GetAllocatedBytesForCurrentThread() - allocated;
        if (allocated > MaxBytes)
        {
            faults.Enqueue($"{Shown(input)}: {allocated} bytes of memory");
        }

        for (int i = 0; i < Tries && cpu > MaxCpu; i++)
        {
            cpu = Again(parser, input);
        }

        if (cpu > MaxCpu)
        {
            faults.Enqueue($"{Shown(input)}: {cpu.TotalMilliseconds} ms of a processor");
        }

        return isRead;
    }

    private static TimeSpan Again(Parser parser, byte[] input)
    {
        TimeSpan start = ThreadCpu.Used;
        try
        {
            parser.Read([.. input]);
        }
        catch (Exception e) when (parser.Refuses(e))
        {
            // As before
        }

        return ThreadCpu.Used - start;
    }

    private static string Shown(byte[] input) => Convert.ToBase64String(input.AsSpan(0, Math.Min(input.Length, 1500)));
}

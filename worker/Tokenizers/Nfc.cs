using System.Globalization;
using System.Text;

namespace Generation.Tokenizers;

/// <summary>
/// Unicode normalisation form C (Unicode Standard Annex 15). The framework's own needs ICU, which programs with invariant culture do not
/// load. The data beside this file (nfc.txt) is from the Unicode Character Database.
/// </summary>
internal static class Nfc
{
    private const int HangulBase = 0xAC00;
    private const int LeadBase = 0x1100;
    private const int VowelBase = 0x1161;
    private const int TailBase = 0x11A7;
    private const int LeadCount = 19;
    private const int VowelCount = 21;
    private const int TailCount = 28;
    private const int HangulCount = LeadCount * VowelCount * TailCount;

    // Every code point below is unchanged by form C and has combining class 0
    private const int FirstOfInterest = 0x0300;

    private static readonly Lazy<Data> Tables = new(Data.Read);

    /// <summary>
    /// Returns <paramref name="text"/> in form C, or the same string where it is in that form already. A lone surrogate becomes U+FFFD.
    /// </summary>
    public static string Normalize(string text)
    {
        if (!text.AsSpan().ContainsAnyExceptInRange('\0', (char)(FirstOfInterest - 1)))
        {
            return text;
        }

        Data data = Tables.Value;
        var points = new List<int>(text.Length + 16);
        foreach (Rune rune in text.EnumerateRunes())
        {
            Decompose(data, rune.Value, points);
        }

        SortMarks(data, points);
        Compose(data, points);

        var result = new StringBuilder(points.Count);
        Span<char> utf16 = stackalloc char[2];
        foreach (int point in points)
        {
            result.Append(utf16[..new Rune(point).EncodeToUtf16(utf16)]);
        }

        return result.ToString();
    }

    private static void Decompose(Data data, int point, List<int> points)
    {
        int syllable = point - HangulBase;
        if (syllable is >= 0 and < HangulCount)
        {
            points.Add(LeadBase + (syllable / (VowelCount * TailCount)));
            points.Add(VowelBase + (syllable % (VowelCount * TailCount) / TailCount));
            int tail = syllable % TailCount;
            if (tail != 0)
            {
                points.Add(TailBase + tail);
            }
        }
        else if (point >= 0xC0 && data.Decompositions.TryGetValue(point, out (int First, int Second) pair))
        {
            Decompose(data, pair.First, points);
            if (pair.Second != 0)
            {
                Decompose(data, pair.Second, points);
            }
        }
        else
        {
            points.Add(point);
        }
    }

    /// <summary>Sorts each run of combining marks by class (canonical ordering); equal classes keep their order.</summary>
    private static void SortMarks(Data data, List<int> points)
    {
        int start = 0;
        while (start < points.Count)
        {
            if (data.Class(points[start]) == 0)
            {
                start++;
                continue;
            }

            int end = start + 1;
            while (end < points.Count && data.Class(points[end]) != 0)
            {
                end++;
            }

            if (end - start > 1)
            {
                int[] marks = [.. points.GetRange(start, end - start).OrderBy(data.Class)];
                for (int i = 0; i < marks.Length; i++)
                {
                    points[start + i] = marks[i];
                }
            }

            start = end;
        }
    }

    /// <summary>Composes characters in place (canonical composition).</summary>
    private static void Compose(Data data, List<int> points)
    {
        int starter = -1;
        int last = 0;
        int written = 0;
        for (int i = 0; i < points.Count; i++)
        {
            int point = points[i];
            int mark = data.Class(point);
            // Blocked if something between the starter and this has a class as high, or is a starter itself
            bool reaches = starter >= 0 && (starter == written - 1 || (last != 0 && last < mark));
            if (reaches && TryPair(data, points[starter], point, out int composed))
            {
                points[starter] = composed;
                continue;
            }

            if (mark == 0)
            {
                starter = written;
            }

            last = mark;
            points[written++] = point;
        }

        points.RemoveRange(written, points.Count - written);
    }

    private static bool TryPair(Data data, int first, int second, out int composed)
    {
        int lead = first - LeadBase;
        int vowel = second - VowelBase;
        if (lead is >= 0 and < LeadCount && vowel is >= 0 and < VowelCount)
        {
            composed = HangulBase + (((lead * VowelCount) + vowel) * TailCount);
            return true;
        }

        int syllable = first - HangulBase;
        int tail = second - TailBase;
        if (syllable is >= 0 and < HangulCount && syllable % TailCount == 0 && tail is > 0 and < TailCount)
        {
            composed = first + tail;
            return true;
        }

        return data.Compositions.TryGetValue((first, second), out composed);
    }

    private sealed class Data
    {
        private readonly Dictionary<int, byte> _classes = [];

        public Dictionary<int, (int First, int Second)> Decompositions { get; } = [];

        public Dictionary<(int First, int Second), int> Compositions { get; } = [];

        public int Class(int point) => point < FirstOfInterest ? 0 : _classes.GetValueOrDefault(point);

        public static Data Read()
        {
            var data = new Data();
            using Stream stream = typeof(Nfc).Assembly.GetManifestResourceStream("Generation.Tokenizers.nfc.txt")
                ?? throw new InvalidOperationException("The resource nfc.txt is not in the assembly.");
            using var reader = new StreamReader(stream);
            while (reader.ReadLine() is { } line)
            {
                string[] fields = line.Split(' ');
                if (fields[0] == "D")
                {
                    int second = fields.Length > 3 && fields[3] != "x" ? Point(fields[3]) : 0;
                    (int, int) pair = (Point(fields[2]), second);
                    data.Decompositions.Add(Point(fields[1]), pair);
                    if (fields[^1] != "x")
                    {
                        data.Compositions.Add(pair, Point(fields[1]));
                    }
                }
                else if (fields[0] == "C")
                {
                    byte value = byte.Parse(fields[3], CultureInfo.InvariantCulture);
                    for (int point = Point(fields[1]); point <= Point(fields[2]); point++)
                    {
                        data._classes.Add(point, value);
                    }
                }
            }

            return data;
        }

        private static int Point(string hex) => int.Parse(hex, NumberStyles.HexNumber, CultureInfo.InvariantCulture);
    }
}

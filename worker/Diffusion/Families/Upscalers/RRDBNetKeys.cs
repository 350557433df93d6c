using System.Globalization;
using System.Text.RegularExpressions;
using Generation.Diffusion.Weights;

namespace Generation.Diffusion.Families.Upscalers;

/// <summary>
/// Renames the keys of ESRGAN's own code, old ("model.1.sub.0.RDB1.conv1.0.weight") and new ("RRDB_trunk.0.RDB1.conv1.weight"), to those of
/// Real-ESRGAN ("body.0.rdb1.conv1.weight"), which <see cref="RRDBNet"/> takes.
/// </summary>
public static partial class RRDBNetKeys
{
    // The old sequence: first convolution, trunk, then enlarge, convolve and activate for each doubling, and four members more
    private const int FirstConvUp = 3;
    private const int MembersPerDoubling = 3;
    private const int MembersBesideDoublings = 4;

    private static readonly Dictionary<string, string> NewMembers = new(StringComparer.Ordinal)
    {
        ["trunk_conv"] = "conv_body",
        ["upconv1"] = "conv_up1",
        ["upconv2"] = "conv_up2",
        ["HRconv"] = "conv_hr",
    };

    /// <summary>
    /// Returns the weights under Real-ESRGAN's names, or <paramref name="source"/> itself where they have these names already.
    /// </summary>
    /// <param name="source">The weights, which must live as long as the result is used.</param>
    public static WeightSource Rename(WeightSource source)
    {
        int lastMember = source
            .Names.Select(name => OldMember().Match(name))
            .Where(match => match.Success)
            .Select(match => int.Parse(match.Groups["member"].Value, CultureInfo.InvariantCulture))
            .DefaultIfEmpty(0)
            .Max();
        var renamed = source.Names.ToDictionary(name => Rename(name, lastMember), name => new WeightPiece(name), StringComparer.Ordinal);
        return renamed.All(pair => pair.Key == pair.Value.Source) ? source : new RenamedWeights(source, renamed, owns: false);
    }

    private static string NameOfDense(GroupCollection groups) =>
        $"body.{groups["block"].Value}.rdb{groups["dense"].Value}.conv{groups["conv"].Value}.{groups["part"].Value}";

    private static string Rename(string name, int lastMember)
    {
        if (OldBlock().Match(name) is { Success: true } block)
        {
            return NameOfDense(block.Groups);
        }
        if (OldTrunk().Match(name) is { Success: true } trunk)
        {
            return $"conv_body.{trunk.Groups["part"].Value}";
        }
        if (
            OldMember().Match(name) is { Success: true } old
            && NameOfMember(int.Parse(old.Groups["member"].Value, CultureInfo.InvariantCulture), lastMember) is string member
        )
        {
            return $"{member}.{old.Groups["part"].Value}";
        }
        if (NewBlock().Match(name) is { Success: true } newer)
        {
            return NameOfDense(newer.Groups);
        }
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && NewMembers.TryGetValue(name[..dot], out string? known) ? known + name[dot..] : name;
    }

    private static string? NameOfMember(int member, int last)
    {
        int afterDoublings = 2 + (last - MembersBesideDoublings) / MembersPerDoubling * MembersPerDoubling;
        return member switch
        {
            0 => "conv_first",
            _ when member == last => "conv_last",
            _ when member == afterDoublings => "conv_hr",
            _ when member < afterDoublings && member % MembersPerDoubling == 0 =>
                $"conv_up{(member - FirstConvUp) / MembersPerDoubling + 1}",
            _ => null,
        };
    }

    [GeneratedRegex(
        @"^model\.1\.sub\.(?<block>\d+)\.RDB(?<dense>[123])\.conv(?<conv>[1-5])\.0\.(?<part>weight|bias)$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex OldBlock();

    [GeneratedRegex(@"^model\.1\.sub\.\d+\.(?<part>weight|bias)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OldTrunk();

    [GeneratedRegex(@"^model\.(?<member>\d+)\.(?<part>weight|bias)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OldMember();

    [GeneratedRegex(
        @"^RRDB_trunk\.(?<block>\d+)\.RDB(?<dense>[123])\.conv(?<conv>[1-5])\.(?<part>weight|bias)$",
        RegexOptions.ExplicitCapture,
        1000
    )]
    private static partial Regex NewBlock();
}

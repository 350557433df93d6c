using System.Text.RegularExpressions;

namespace Generation.Diffusion.Networks;

/// <summary>
/// The key names of ESRGAN's own code, old ("model.1.sub.0.RDB1.conv1.0.weight") and new ("RRDB_trunk.0.RDB1.conv1.weight"), as
/// Real-ESRGAN names them ("body.0.rdb1.conv1.weight"), which are those that <see cref="RRDBNet"/> takes.
/// </summary>
public static partial class RRDBNetKeys
{
    // Members of the old sequence after the trunk: enlarge and activate take a place each
    private static readonly Dictionary<string, string> OldMembers = new(StringComparer.Ordinal)
    {
        ["0"] = "conv_first",
        ["3"] = "conv_up1",
        ["6"] = "conv_up2",
        ["8"] = "conv_hr",
        ["10"] = "conv_last",
    };

    private static readonly Dictionary<string, string> NewMembers = new(StringComparer.Ordinal)
    {
        ["trunk_conv"] = "conv_body",
        ["upconv1"] = "conv_up1",
        ["upconv2"] = "conv_up2",
        ["HRconv"] = "conv_hr",
    };

    /// <summary>The weights under Real-ESRGAN's names; <paramref name="source"/> itself where they have them already.</summary>
    /// <param name="source">Borrowed as long as the result is used.</param>
    public static WeightSource Rename(WeightSource source)
    {
        var renamed = source.Names.ToDictionary(Rename, name => new WeightPiece(name), StringComparer.Ordinal);
        return renamed.All(pair => pair.Key == pair.Value.Source) ? source : new RenamedWeights(source, renamed, owns: false);
    }

    private static string Rename(string name)
    {
        if (OldBlock().Match(name) is { Success: true } block)
        {
            return $"body.{block.Groups["block"].Value}.rdb{block.Groups["dense"].Value}.conv{block.Groups["conv"].Value}.{block.Groups["part"].Value}";
        }
        if (OldTrunk().Match(name) is { Success: true } trunk)
        {
            return $"conv_body.{trunk.Groups["part"].Value}";
        }
        if (OldMember().Match(name) is { Success: true } old && OldMembers.TryGetValue(old.Groups["member"].Value, out string? member))
        {
            return $"{member}.{old.Groups["part"].Value}";
        }
        if (NewBlock().Match(name) is { Success: true } newer)
        {
            return $"body.{newer.Groups["block"].Value}.rdb{newer.Groups["dense"].Value}.conv{newer.Groups["conv"].Value}.{newer.Groups["part"].Value}";
        }
        int dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && NewMembers.TryGetValue(name[..dot], out string? known) ? known + name[dot..] : name;
    }

    [GeneratedRegex(@"^model\.1\.sub\.(?<block>\d+)\.RDB(?<dense>[123])\.conv(?<conv>[1-5])\.0\.(?<part>weight|bias)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OldBlock();

    [GeneratedRegex(@"^model\.1\.sub\.\d+\.(?<part>weight|bias)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OldTrunk();

    [GeneratedRegex(@"^model\.(?<member>\d+)\.(?<part>weight|bias)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex OldMember();

    [GeneratedRegex(@"^RRDB_trunk\.(?<block>\d+)\.RDB(?<dense>[123])\.conv(?<conv>[1-5])\.(?<part>weight|bias)$", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex NewBlock();
}

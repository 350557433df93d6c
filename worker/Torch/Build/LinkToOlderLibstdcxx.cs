// A task of the build (see TorchSharp.targets), compiled by MSBuild for .NET Standard 2.0: it is no part of the assembly.
using System;
using System.IO;
using System.Text;
using Microsoft.Build.Framework;
using Microsoft.Build.Utilities;

/// <summary>
/// Copies a 64-bit ELF library so that it loads with a libstdc++ older than GCC 13's, provided that std::ios_base_library_init is all that
/// it needs of the newer one. The layout is that of the System V ABI: section headers of 64 bytes, dynamic symbols of 24, version needs of
/// 16.
/// </summary>
public sealed class LinkToOlderLibstdcxx : Task
{
    private const string NewVersion = "GLIBCXX_3.4.32";
    private const string OldVersion = "GLIBCXX_3.4";
    private const string NewSymbol = "_ZSt21ios_base_library_initv";
    private const string OldSymbol = "_ZNSt8ios_base4InitC1Ev";

    private byte[] _file = Array.Empty<byte>();

    [Required]
    public string From { get; set; } = "";

    [Required]
    public string To { get; set; } = "";

    public override bool Execute()
    {
        _file = File.ReadAllBytes(From);
        if (
            Section(".gnu.version_r") is not { } needs
            || Section(".dynsym") is not { } symbols
            || Section(".dynstr") is not { } names
            || Section(".gnu.version") is not { } versions
        )
        {
            Log.LogError($"{From} is no library that this build knows how to link to an older libstdc++ (Build/TorchSharp.targets).");
            return false;
        }

        if (!FindVersions(needs.Offset, names.Offset, out int newest, out long newestAt, out int oldest))
        {
            return false;
        }

        if (newest >= 0)
        {
            for (long k = 0; k < symbols.Size / 24; k++)
            {
                if ((Half(versions.Offset + (2 * k)) & 0x7fff) != newest)
                {
                    continue;
                }

                long at = names.Offset + Word(symbols.Offset + (24 * k));
                string symbol = Text(at);
                if (symbol != NewSymbol || oldest < 0)
                {
                    Log.LogError(
                        $"{From} needs {symbol} of {NewVersion}, for which older systems have nothing (Build/TorchSharp.targets)."
                    );
                    return false;
                }

                Encoding.ASCII.GetBytes(OldSymbol.PadRight(NewSymbol.Length, '\0')).CopyTo(_file, at);
                BitConverter.GetBytes((ushort)oldest).CopyTo(_file, versions.Offset + (2 * k));
            }

            // VER_FLG_WEAK: the loader does not insist on the version
            BitConverter.GetBytes((ushort)2).CopyTo(_file, newestAt + 4);
        }

        Directory.CreateDirectory(Path.GetDirectoryName(To)!);
        // A file of its own, never a link into the package cache
        File.Delete(To);
        File.WriteAllBytes(To, _file);
        return true;
    }

    private bool FindVersions(long needs, long names, out int newest, out long newestAt, out int oldest)
    {
        newest = oldest = -1;
        newestAt = 0;
        for (long at = needs; ; at += Word(at + 12))
        {
            long version = at + Word(at + 8);
            for (int k = 0; k < Half(at + 2); k++, version += Word(version + 12))
            {
                string name = Text(names + Word(version + 8));
                if (name == NewVersion)
                {
                    newest = Half(version + 6);
                    newestAt = version;
                }
                else if (name == OldVersion)
                {
                    oldest = Half(version + 6);
                }
                else if (IsNewerThanDebian12(name))
                {
                    Log.LogError($"{From} needs {name}, which older systems have not got (Build/TorchSharp.targets).");
                    return false;
                }
            }

            if (Word(at + 12) == 0)
            {
                return true;
            }
        }
    }

    // The newest versions that Debian 12's libraries have
    private static bool IsNewerThanDebian12(string version) =>
        IsAfter(version, "GLIBCXX_3.4.", 30) || IsAfter(version, "CXXABI_1.3.", 13) || IsAfter(version, "GLIBC_2.", 36);

    private static bool IsAfter(string version, string family, int last) =>
        version.StartsWith(family, StringComparison.Ordinal)
        && int.TryParse(version.Substring(family.Length).Split('.')[0], out int number)
        && number > last;

    private (long Offset, long Size)? Section(string name)
    {
        long headers = Long(0x28);
        int count = Half(0x3C);
        long names = Long(headers + (Half(0x3E) * 64) + 24);
        for (int k = 0; k < count; k++)
        {
            long header = headers + (k * 64);
            if (Text(names + Word(header)) == name)
            {
                return (Long(header + 24), Long(header + 32));
            }
        }

        return null;
    }

    private int Half(long at) => BitConverter.ToUInt16(_file, (int)at);

    private int Word(long at) => BitConverter.ToInt32(_file, (int)at);

    private long Long(long at) => BitConverter.ToInt64(_file, (int)at);

    private string Text(long at)
    {
        int end = Array.IndexOf(_file, (byte)0, (int)at);
        return Encoding.ASCII.GetString(_file, (int)at, end - (int)at);
    }
}

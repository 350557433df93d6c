using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Workers;
using Generation.Tokenizers;
using Microsoft.Extensions.Caching.Memory;

namespace Generation.Api.Models;

/// <summary>The tokenizers of models' text encoders, made from the vocabularies that workers store, and kept while they are asked for.</summary>
internal sealed class TokenizerCache(VocabularyStore vocabularies, ILogger<TokenizerCache> logger) : IDisposable
{
    /// <summary>The sizes of all vocabularies in memory together; a token takes some 200 bytes.</summary>
    private const long MostTokens = 600_000;

    /// <summary>How long it is not looked again for one that is not there, or that is damaged.</summary>
    private static readonly TimeSpan MissingFor = TimeSpan.FromSeconds(5);

    private readonly MemoryCache _kept = new(new MemoryCacheOptions { SizeLimit = MostTokens, CompactionPercentage = 0.25 });

    /// <summary>One is made at a time, so that many who ask at once take the memory of one.</summary>
    private readonly SemaphoreSlim _turn = new(1);

    /// <summary>Returns the tokenizer of a text encoder; null where its vocabulary is not known here.</summary>
    public async ValueTask<ITokenizer?> OfAsync(TextEncoderEntry encoder, CancellationToken cancellationToken)
    {
        if (encoder.Vocabulary is not { } sha256)
        {
            return encoder.Tokenizer == TokenizerKind.Clip ? ClipTokenizer.Published : null;
        }

        (TokenizerKind, string) key = (encoder.Tokenizer, sha256);
        if (_kept.TryGetValue(key, out ITokenizer? kept))
        {
            return kept;
        }

        await _turn.WaitAsync(cancellationToken);
        try
        {
            if (_kept.TryGetValue(key, out kept))
            {
                return kept;
            }

            ITokenizer? made = await MakeAsync(encoder.Tokenizer, sha256, cancellationToken);
            using ICacheEntry entry = _kept.CreateEntry(key);
            entry.Value = made;
            entry.Size = made?.Count ?? 1;
            entry.AbsoluteExpirationRelativeToNow = made is null ? MissingFor : null;
            return made;
        }
        finally
        {
            _turn.Release();
        }
    }

    public void Dispose()
    {
        _kept.Dispose();
        _turn.Dispose();
    }

    private async Task<ITokenizer?> MakeAsync(TokenizerKind kind, string sha256, CancellationToken cancellationToken)
    {
        if (await vocabularies.FindAsync(sha256, cancellationToken) is not { } packed)
        {
            return null;
        }

        try
        {
            var files = TokenizerFiles.Unpack(packed, $"the vocabulary {sha256}");
            ITokenizer tokenizer = kind == TokenizerKind.T5 ? T5Tokenizer.Load(files) : ClipTokenizer.Load(files);
            return tokenizer.Count <= MostTokens
                ? tokenizer
                : throw new TokenizerException($"{files} has {tokenizer.Count} tokens, and {MostTokens} at most are counted with.");
        }
        catch (TokenizerException e)
        {
            ApiLog.VocabularyRefused(logger, e.Message);
            return null;
        }
    }
}

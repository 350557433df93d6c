using System.Globalization;
using Generation.Api.Web;
using Generation.Contracts;
using Generation.Storage.Accounts;
using Generation.Storage.Results;
using Microsoft.AspNetCore.WebUtilities;
using Microsoft.Extensions.Options;

namespace Generation.Api.Jobs;

/// <summary>
/// Addresses at which outputs can be fetched without a key, until a time that they carry: the results store's own where
/// it gives them out (S3, pre-signed), else the API's with an HMAC-SHA256 over job, output and time.
/// </summary>
internal sealed class OutputUrls(KeySecret secret, IResultsStore results, IOptions<ResultsOptions> options, TimeProvider time)
{
    /// <summary>Who may fetch an output: a key that may read, or whoever has an address with a signature, which the route checks.</summary>
    public const string Policy = "read (or a signed address)";

    private const string Purpose = "output address";

    private readonly long _lifetime = options.Value.UrlSeconds;

    /// <summary>
    /// Until when addresses signed now are good, in Unix seconds: the same for a quarter of their lifetime, so that a
    /// finished job's document stays the same between two polls.
    /// </summary>
    public long ExpiryNow
    {
        get
        {
            long quarter = Math.Max(1, _lifetime / 4);
            return (((time.GetUtcNow().ToUnixTimeSeconds() / quarter) + 1) * quarter) + _lifetime;
        }
    }

    public static bool IsSigned(HttpContext? http) => http?.Request.Query.ContainsKey("signature") == true;

    /// <summary>The document with addresses that need no key.</summary>
    public JobDocument Sign(JobDocument job)
    {
        if (job.Outputs.Count == 0)
        {
            return job;
        }

        var expiresAt = DateTimeOffset.FromUnixTimeSeconds(ExpiryNow);
        return job with
        {
            Outputs =
            [
                .. job.Outputs.Select(output =>
                    output with
                    {
                        Url = results.UrlOf(output.Sha256, output.ContentType, FileNameOf(job, output), expiresAt)?.AbsoluteUri
                            ?? PathOf(job.Id, output.Index, expiresAt),
                        UrlExpiresAt = expiresAt,
                        ThumbnailUrl = output.ThumbnailSha256 is not { } small
                            ? null
                            : results.UrlOf(small, "image/jpeg", $"{job.Id}-{output.Index}.jpg", expiresAt)?.AbsoluteUri
                                ?? PathOf(job.Id, output.Index, expiresAt, "/thumbnail"),
                    }
                ),
            ],
        };
    }

    /// <summary>Whether the request's address was signed for this output and is still good; false if it is not signed at all.</summary>
    /// <exception cref="ProblemException">It was signed and is not good, and there is no key to fall back on.</exception>
    public bool Check(HttpContext http, JobId id, int index)
    {
        if (!IsSigned(http))
        {
            return false;
        }

        bool isGenuine =
            long.TryParse(http.Request.Query["expires"], NumberStyles.None, CultureInfo.InvariantCulture, out long expires)
            && secret.IsSigned(
                Purpose,
                TextOf(id, index, expires),
                Bytes(http.Request.Query["signature"].ToString()),
                2 * TimeSpan.FromSeconds(_lifetime),
                time.GetUtcNow()
            );
        if (isGenuine && expires > time.GetUtcNow().ToUnixTimeSeconds())
        {
            return true;
        }

        if (http.Features.Get<Caller>()?.May(Scopes.Read) == true)
        {
            return false;
        }

        throw isGenuine
            ? new ProblemException(
                403,
                "url_expired",
                $"This address was good until {DateTimeOffset.FromUnixTimeSeconds(expires):u}. Ask for the job again: its outputs have "
                    + "new addresses."
            )
            : new ProblemException(
                403,
                "url_invalid",
                "This address is not as it was given out. Use the job's output url unchanged, or send your key."
            );
    }

    /// <summary>The name under which an output is saved.</summary>
    public static string FileNameOf(JobDocument job, JobOutputLink output)
    {
        string extension = output.ContentType switch
        {
            "image/jpeg" => "jpg",
            "video/mp4" => "mp4",
            string type => type[(type.IndexOf('/', StringComparison.Ordinal) + 1)..],
        };
        return $"{job.Model}-{job.Id}-{output.Index}.{extension}";
    }

    /// <summary>The signed path of an output on the API's own address; it is good as soon as there is the output.</summary>
    public string PathOf(JobId id, int index, DateTimeOffset expiresAt, string more = "")
    {
        long expires = expiresAt.ToUnixTimeSeconds();
        string signature = WebEncoders.Base64UrlEncode(secret.Sign(Purpose, TextOf(id, index, expires)));
        return $"/v1/jobs/{id}/outputs/{index}{more}?expires={expires}&signature={signature}";
    }

    private static string TextOf(JobId id, int index, long expires) =>
        string.Create(CultureInfo.InvariantCulture, $"{id}/{index}/{expires}");

    private static byte[] Bytes(string signature)
    {
        try
        {
            return WebEncoders.Base64UrlDecode(signature);
        }
        catch (FormatException)
        {
            return [];
        }
    }
}

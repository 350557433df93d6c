using System.Text;

namespace Generation.EndToEnd.Tests;

/// <summary>A curl line of the documentation as the request that it makes: the address, -H, -d and -F.</summary>
internal static class CurlRequest
{
    public static HttpRequestMessage Parse(string line, string url, IReadOnlyDictionary<string, byte[]> files)
    {
        List<string> words = Words(line.Trim());
        var request = new HttpRequestMessage { Method = HttpMethod.Post };
        MultipartFormDataContent? form = null;
        string? type = null;
        string? data = null;
        for (int i = 1; i < words.Count; i++)
        {
            switch (words[i])
            {
                case "-s":
                    break;
                case "-H" when words[++i].Split(": ", 2) is [var name, var value]:
                    // The client has the key already
                    if (name == "Content-Type")
                    {
                        type = value;
                    }
                    else if (name != "Authorization")
                    {
                        request.Headers.Add(name, value);
                    }

                    break;
                case "-d":
                    data = words[++i];
                    break;
                case "-F" when words[++i].Split('=', 2) is [var field, var value]:
                    form ??= [];
                    if (value.StartsWith('@'))
                    {
                        form.Add(new ByteArrayContent(files[value[1..]]), field, value[1..]);
                    }
                    else
                    {
                        form.Add(new StringContent(value), field);
                    }

                    break;
                case var address when address.StartsWith("$GENERATION_URL", StringComparison.Ordinal):
                    request.RequestUri = new Uri(address.Replace("$GENERATION_URL", url, StringComparison.Ordinal));
                    break;
                default:
                    throw new FormatException($"'{words[i]}' is not known here: {line}");
            }
        }

        request.Content = form ?? (HttpContent)new StringContent(data ?? "", Encoding.UTF8, type ?? "application/x-www-form-urlencoded");
        return request;
    }

    /// <summary>Words as a shell splits them, without what it would put in for variables.</summary>
    private static List<string> Words(string line)
    {
        var words = new List<string>();
        var word = new StringBuilder();
        char quote = '\0';
        bool open = false;
        foreach (char c in line)
        {
            if (quote != '\0')
            {
                if (c == quote)
                {
                    quote = '\0';
                }
                else
                {
                    word.Append(c);
                }
            }
            else if (c is '\'' or '"')
            {
                (quote, open) = (c, true);
            }
            else if (c != ' ')
            {
                word.Append(c);
                open = true;
            }
            else if (open)
            {
                words.Add(word.ToString());
                word.Clear();
                open = false;
            }
        }

        if (open)
        {
            words.Add(word.ToString());
        }

        return words;
    }
}

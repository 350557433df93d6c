using System.Globalization;
using Generation.Api.Web;

namespace Generation.Api.Faces.Shared;

/// <summary>What is wrong with a field, for services whose errors say it by a word.</summary>
internal enum InputFault
{
    /// <summary>Something else, such as a limit of the model.</summary>
    Other,
    Missing,
    WrongType,
    NoChoice,
    TooSmall,
    TooLarge,
    Unknown,
}

/// <summary>
/// A request's input, read by the fields that its model has. Values are asked for by what they mean; what is wrong with them is gathered
/// in the body's errors, under the client's names.
/// </summary>
/// <param name="body">The fields of the request, or of its object "input".</param>
/// <param name="prefix">What stands before the fields' names in errors: "input." or nothing.</param>
/// <param name="fields">The fields that the model has.</param>
/// <param name="ownDefaults">Whether what is left out is as the service has it, also where the model here would choose otherwise.</param>
internal sealed class MappedInput(FaceBody body, string prefix, IReadOnlyDictionary<string, InputField> fields, bool ownDefaults)
{
    private const int MostWarnings = 40;

    private readonly Dictionary<string, InputFault> _faults = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _names = new(StringComparer.Ordinal);
    private readonly List<string> _warnings = [];

    public FaceBody Body => body;

    /// <summary>What is not done as it may have been meant.</summary>
    public IReadOnlyList<string> Warnings => _warnings;

    /// <summary>Native names of fields to the client's, for errors.</summary>
    public IReadOnlyDictionary<string, string> Names => _names;

    /// <summary>What is wrong with a field of this whole name.</summary>
    public InputFault FaultOf(string field) =>
        _faults.TryGetValue(field, out InputFault fault) ? fault
        : body.WrongTypes.Contains(field) ? InputFault.WrongType
        : InputFault.Other;

    /// <summary>
    /// Looks for fields that are missing, and for those that the model does not have: such that other models have are told of, others are
    /// errors.
    /// </summary>
    /// <param name="elsewhere">Whether another model has a field of this name.</param>
    /// <param name="ignored">Whether a name is none of an input's.</param>
    public void Check(Func<string, bool> elsewhere, Func<string, bool>? ignored = null)
    {
        foreach ((string name, InputField field) in fields)
        {
            if (field.To.Length > 0)
            {
                _names[field.To] = prefix + name;
            }

            if (field.Required && !body.Has(name))
            {
                Fail(name, InputFault.Missing, "is required");
            }

            if (field.Only.Length > 0 && body.Text(name) is { } given && !given.Equals(field.Only, StringComparison.OrdinalIgnoreCase))
            {
                Warn($"{name}: {ErrorText.Shown(given)} is not done here; it is {field.Only}.");
            }
        }

        foreach (string name in body.Names.Where(name => !fields.ContainsKey(name) && ignored?.Invoke(name) != true))
        {
            if (elsewhere(name))
            {
                Warn($"{ErrorText.Shown(name)}: this model has no such input; it was left out.");
            }
            else
            {
                Fail(ErrorText.Shown(name), InputFault.Unknown, $"is not an input of this model{ErrorText.DidYouMean(name, fields.Keys)}");
            }
        }
    }

    /// <summary>The field that means something; null where the model has none.</summary>
    public string? NameOf(string meaning) => fields.FirstOrDefault(f => f.Value.To == meaning).Key;

    /// <summary>Whether a request has set what means something.</summary>
    public bool IsGiven(string meaning) => NameOf(meaning) is { } name && body.Has(name);

    public string? Text(string meaning)
    {
        if (Find(meaning) is not var (name, field))
        {
            return null;
        }

        if (body.Text(name) is not { } text)
        {
            return DefaultOf(meaning, field);
        }

        return Choice(name, field, text);
    }

    public double? Number(string meaning)
    {
        if (Find(meaning) is not var (name, field))
        {
            return null;
        }

        return body.Number(name) is not { } number
            ? double.TryParse(DefaultOf(meaning, field), CultureInfo.InvariantCulture, out double usual) && !body.Errors.Has(prefix + name)
                ? usual
                : null
            : InRange(name, field, number);
    }

    public long? Integer(string meaning)
    {
        if (Find(meaning) is not var (name, field))
        {
            return null;
        }

        return body.Integer(name) is not { } number
            ? long.TryParse(DefaultOf(meaning, field), CultureInfo.InvariantCulture, out long usual) && !body.Errors.Has(prefix + name)
                ? usual
                : null
            : (long?)InRange(name, field, number);
    }

    /// <summary>A whole number of 32 bits; what is beyond is an error.</summary>
    public int? Int(string meaning)
    {
        long? number = Integer(meaning);
        if (number is null or (>= int.MinValue and <= int.MaxValue))
        {
            return (int?)number;
        }

        Fail(NameOf(meaning)!, number < 0 ? InputFault.TooSmall : InputFault.TooLarge, $"is too large a number: {number}");
        return null;
    }

    public bool? Flag(string meaning) =>
        Find(meaning) is not var (name, field)
            ? null
            : body.Flag(name) ?? (bool.TryParse(DefaultOf(meaning, field), out bool usual) ? usual : null);

    public PictureSource? Picture(string meaning) => NameOf(meaning) is { } name ? body.Picture(name) : null;

    /// <summary>A field's value as it came; null where it is not set.</summary>
    public FaceValue? Value(string meaning) => NameOf(meaning) is { } name ? body.Value(name) : null;

    /// <summary>The word of a field that may also be an object: null where it is one, else as <see cref="Text"/> has it.</summary>
    public string? Word(string meaning) => Value(meaning) is { IsObject: true } ? null : Text(meaning);

    /// <summary>Says under which name of the client a native field is to be blamed.</summary>
    public void Rename(string native, string name) => _names[native] = prefix + name;

    /// <summary>Notes what is wrong with a field.</summary>
    public void Fail(string name, InputFault fault, string detail)
    {
        _faults.TryAdd(prefix + name, fault);
        body.Fail(name, detail);
    }

    /// <summary>Notes something that is not done.</summary>
    public void Warn(string warning)
    {
        if (_warnings.Count < MostWarnings)
        {
            _warnings.Add(warning);
        }
    }

    private (string Name, InputField Field)? Find(string meaning) => NameOf(meaning) is { } name ? (name, fields[name]) : null;

    private string? DefaultOf(string meaning, InputField field) =>
        field.Default.Length > 0 && (ownDefaults || !InputMeaning.OfTheModel.Contains(meaning)) ? field.Default : null;

    private string? Choice(string name, InputField field, string text)
    {
        if (field.Choices.Length == 0)
        {
            return text;
        }

        string? known = field.Choices.FirstOrDefault(choice => choice.Equals(text.Trim(), StringComparison.OrdinalIgnoreCase));
        if (known is null)
        {
            Fail(
                name,
                InputFault.NoChoice,
                $"must be one of {string.Join(", ", field.Choices)}, and is '{ErrorText.Shown(text)}'"
                    + ErrorText.DidYouMean(text, field.Choices)
            );
        }

        return known;
    }

    private double? InRange(string name, InputField field, double number)
    {
        if (number < field.Least)
        {
            Fail(
                name,
                InputFault.TooSmall,
                string.Create(CultureInfo.InvariantCulture, $"must be {field.Least} at least, and is {number}")
            );
            return null;
        }

        if (number > field.Most)
        {
            Fail(name, InputFault.TooLarge, string.Create(CultureInfo.InvariantCulture, $"must be {field.Most} at most, and is {number}"));
            return null;
        }

        return number;
    }
}

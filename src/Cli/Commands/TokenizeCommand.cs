using System.CommandLine;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Cli;

/// <summary><c>minimax tokenize</c>: the ids and pieces of a text, or the ids of many texts as JSON.</summary>
internal static class TokenizeCommand
{
    private static readonly Argument<string> Model = new("MODEL") { Description = "Folder with tokenizer.json, or merges.txt and tokenizer_config.json; or a .gguf file." };

    private static readonly Argument<string?> Text = new("TEXT")
    {
        Description = "The text; \"-\" or nothing reads standard input to its end.",
        Arity = ArgumentArity.ZeroOrOne,
    };

    private static readonly Option<bool> Special = new("--special") { Description = "Recognise special tokens such as <end_of_sentence> in the text." };

    private static readonly Option<string?> Json = new("--json")
    {
        Description = "A JSON file with an array of strings; prints one JSON array with an array of ids for each, and nothing else.",
        HelpName = "IN.json",
    };

    /// <summary>Makes the command.</summary>
    public static Command Create()
    {
        var command = new Command(
            "tokenize",
            "Shows the token ids of a text. Needs only the tokenizer files of a model, no weights.\n\n" +
            "Example: minimax tokenize models/m1-nano \"The river runs.\"\n" +
            "Example: minimax tokenize models/m1-nano --json texts.json > ids.json")
        {
            Model, Text, Special, Json,
        };
        command.SetAction(Run);
        return command;
    }

    private static int Run(ParseResult arguments)
    {
        var text = arguments.GetValue(Text);
        var json = arguments.GetValue(Json);
        if (text is not null && json is not null)
        {
            throw new InvalidInputException("tokenize: give TEXT or --json, not both.");
        }

        var tokenizer = Tokenizer.Load(arguments.GetRequiredValue(Model));
        var output = arguments.InvocationConfiguration.Output;
        var allowSpecial = arguments.GetValue(Special);
        if (json is not null)
        {
            WriteJson(tokenizer, ReadUtf8(json), json, allowSpecial, output);
        }
        else
        {
            WriteTable(tokenizer, text is null or "-" ? Encoding.UTF8.GetString(ReadUtf8("-")) : text, allowSpecial, output);
        }

        return 0;
    }

    private static void WriteTable(Tokenizer tokenizer, string text, bool allowSpecial, TextWriter output)
    {
        var ids = tokenizer.Encode(text, allowSpecial);
        foreach (var id in ids)
        {
            output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{id,7}  {Show(tokenizer, id)}"));
        }

        output.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{ids.Length} tokens, {Encoding.UTF8.GetByteCount(text)} bytes"));
    }

    /// <summary>A token in quotes with control characters escaped; bytes that are no whole character as <c>\xE4</c>.</summary>
    private static string Show(Tokenizer tokenizer, int id)
    {
        var shown = new StringBuilder("\"");
        for (var bytes = tokenizer.TokenBytes(id); bytes.Length > 0;)
        {
            var valid = Rune.DecodeFromUtf8(bytes, out var rune, out var length) == System.Buffers.OperationStatus.Done;
            if (!valid)
            {
                foreach (var value in bytes[..length])
                {
                    shown.Append(CultureInfo.InvariantCulture, $"\\x{value:X2}");
                }
            }
            else
            {
                shown.Append(rune.Value switch
                {
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    _ when Rune.IsControl(rune) => string.Create(CultureInfo.InvariantCulture, $"\\u{rune.Value:X4}"),
                    _ => rune.ToString(),
                });
            }

            bytes = bytes[length..];
        }

        return shown.Append('"').Append(tokenizer.IsSpecial(id) ? "  special" : "").ToString();
    }

    private static void WriteJson(Tokenizer tokenizer, byte[] json, string source, bool allowSpecial, TextWriter output)
    {
        // The whole answer is made before anything is printed, so that an error leaves no half of it on standard output.
        var lines = new StringBuilder("[");
        var ids = new List<int>();
        Span<char> digits = stackalloc char[11];
        foreach (var text in ReadTexts(json, source))
        {
            ids.Clear();
            tokenizer.Encode(text, ids, allowSpecial);
            lines.Append(lines.Length > 1 ? ",[" : "[");
            for (var i = 0; i < ids.Count; i++)
            {
                ids[i].TryFormat(digits, out var length, provider: CultureInfo.InvariantCulture);
                lines.Append(i > 0 ? "," : "").Append(digits[..length]);
            }

            lines.Append(']');
        }

        lines.Append(']');
        foreach (var chunk in lines.GetChunks())
        {
            output.Write(chunk.Span);
        }

        output.WriteLine();
    }

    private static List<string> ReadTexts(byte[] json, string source)
    {
        var texts = new List<string>();
        try
        {
            var reader = new Utf8JsonReader(json.AsSpan().StartsWith("\uFEFF"u8) ? json.AsSpan(3) : json);
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartArray)
            {
                throw new InvalidInputException($"{source}: a JSON array of strings is expected, but it begins with {reader.TokenType}.");
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
            {
                if (reader.TokenType != JsonTokenType.String)
                {
                    throw new InvalidInputException($"{source}: element {texts.Count} is {reader.TokenType}; a JSON array of strings is expected.");
                }

                texts.Add(reader.ValueIsEscaped ? Unescape(reader.ValueSpan) : Encoding.UTF8.GetString(reader.ValueSpan));
            }

            reader.Read(); // throws when something follows the array
        }
        catch (JsonException exception)
        {
            throw new InvalidInputException($"{source}: not valid JSON: {exception.Message} A JSON array of strings is expected.", exception);
        }

        return texts;
    }

    /// <summary>
    /// The text of a valid JSON string body. <see cref="Utf8JsonReader.GetString"/> refuses escaped lone surrogates; here they stay,
    /// and the tokenizer encodes them as U+FFFD.
    /// </summary>
    private static string Unescape(ReadOnlySpan<byte> body)
    {
        var text = new StringBuilder(body.Length);
        while (body.IndexOf((byte)'\\') is var at and >= 0)
        {
            text.Append(Encoding.UTF8.GetString(body[..at]));
            var letter = (char)body[at + 1];
            text.Append(letter switch
            {
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                'b' => '\b',
                'f' => '\f',
                'u' => (char)ushort.Parse(body.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture),
                _ => letter,
            });
            body = body[(at + (letter == 'u' ? 6 : 2))..];
        }

        return text.Append(Encoding.UTF8.GetString(body)).ToString();
    }

    /// <summary>The bytes of a file, or of standard input for "-", checked to be UTF-8.</summary>
    private static byte[] ReadUtf8(string path)
    {
        var bytes = InputFile.ReadBytes(path);
        return Utf8.IsValid(bytes) ? bytes : throw new InvalidInputException($"{InputFile.Name(path)}: not valid UTF-8. Convert it to UTF-8 first.");
    }
}

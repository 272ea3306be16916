using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// Turns ids into text one at a time and never emits half a character. What all <see cref="Push"/> calls and the final <see cref="Flush"/>
/// return, put together, equals <see cref="Tokenizer.Decode"/> of all ids. Not for use by several threads at once.
/// </summary>
public sealed class StreamingDetokenizer
{
    private readonly Tokenizer tokenizer;
    private readonly bool skipSpecial;
    private readonly Decoder decoder = Encoding.UTF8.GetDecoder();

    internal StreamingDetokenizer(Tokenizer tokenizer, bool skipSpecial)
    {
        this.tokenizer = tokenizer;
        this.skipSpecial = skipSpecial;
    }

    /// <summary>The text that this id completes; empty while a character is still incomplete.</summary>
    /// <exception cref="InvalidInputException">The tokenizer has no such id.</exception>
    public string Push(int id)
    {
        var bytes = this.tokenizer.TokenBytes(id);
        return this.skipSpecial && this.tokenizer.IsSpecial(id) ? "" : Decode(bytes, flush: false);
    }

    /// <summary>Ends the text: an incomplete character comes out as U+FFFD. The next text can be pushed afterwards.</summary>
    public string Flush() => Decode([], flush: true);

    private string Decode(ReadOnlySpan<byte> bytes, bool flush)
    {
        // A byte gives at most one UTF-16 unit, and the decoder may hold back up to three bytes.
        var capacity = bytes.Length + 4;
        var chars = capacity <= 256 ? stackalloc char[capacity] : new char[capacity];
        var count = this.decoder.GetChars(bytes, chars, flush);
        return count == 0 ? "" : new string(chars[..count]);
    }
}

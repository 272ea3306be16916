using System.Text;

namespace MiniMaxSharp.Inference;

/// <summary>
/// The printable alphabet in which byte-level BPE files write bytes (the one of GPT-2): the printable Latin-1 bytes stand for themselves,
/// the other 68 bytes for U+0100, U+0101, … in order. So a space is written <c>Ġ</c> and a line feed <c>Ċ</c>.
/// </summary>
internal static class ByteAlphabet
{
    private const int LetterCount = 256 + 68;

    private static readonly short[] ByteOfLetter = BuildByteOfLetter();

    private static readonly char[] LetterOfByte = [.. Enumerable.Range(0, 256).Select(value => (char)Array.IndexOf(ByteOfLetter, (short)value))];

    /// <summary>
    /// Turns letters of the alphabet, given as UTF-8, into the bytes that they stand for.
    /// Returns the number of bytes, or -1 when a character is not of the alphabet. The destination must be as long as the letters.
    /// </summary>
    public static int Decode(ReadOnlySpan<byte> letters, Span<byte> destination)
    {
        var count = 0;
        for (var i = 0; i < letters.Length; i++)
        {
            int letter = letters[i];
            if (letter >= 0x80)
            {
                // All letters lie below U+0800, so a letter has at most two bytes: 110xxxxx 10xxxxxx.
                if (letter is < 0xC0 or > 0xDF || ++i == letters.Length)
                {
                    return -1;
                }

                letter = ((letter & 0x1F) << 6) | (letters[i] & 0x3F);
            }

            if (letter >= LetterCount || ByteOfLetter[letter] < 0)
            {
                return -1;
            }

            destination[count++] = (byte)ByteOfLetter[letter];
        }

        return count;
    }

    /// <summary>Writes the letter of a byte as UTF-8 (one or two bytes) and returns its length.</summary>
    public static int Encode(byte value, Span<byte> destination) => new Rune(Array.IndexOf(ByteOfLetter, (short)value)).EncodeToUtf8(destination);

    /// <summary>The letters of some bytes.</summary>
    public static string Encode(ReadOnlySpan<byte> bytes)
    {
        var letters = new StringBuilder(bytes.Length);
        foreach (var value in bytes)
        {
            letters.Append(LetterOfByte[value]);
        }

        return letters.ToString();
    }

    private static short[] BuildByteOfLetter()
    {
        var table = new short[LetterCount];
        Array.Fill(table, (short)-1);
        var next = 256;
        for (var value = 0; value < 256; value++)
        {
            var standsForItself = value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174;
            table[standsForItself ? value : next++] = (short)value;
        }

        return table;
    }
}

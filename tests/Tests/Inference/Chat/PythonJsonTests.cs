using System.Text.Json;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public class PythonJsonTests
{
    [Theory]
    [InlineData("1", "1")]
    [InlineData("-0", "0")]
    [InlineData("-0.0", "-0.0")]
    [InlineData("0.0", "0.0")]
    [InlineData("1.0", "1.0")]
    [InlineData("1.10", "1.1")]
    [InlineData("1e5", "100000.0")]
    [InlineData("1E400", "Infinity")]
    [InlineData("-1E400", "-Infinity")]
    [InlineData("1e-400", "0.0")]
    [InlineData("0.0001", "0.0001")]
    [InlineData("0.00001", "1e-05")]
    [InlineData("0.000012345", "1.2345e-05")]
    [InlineData("1e15", "1000000000000000.0")]
    [InlineData("1e16", "1e+16")]
    [InlineData("123456789012345678", "123456789012345678")]
    [InlineData("123456789012345678.0", "1.2345678901234568e+17")]
    [InlineData("1234567890123456.5", "1234567890123456.5")]
    [InlineData("5e-324", "5e-324")]
    [InlineData("1.7976931348623157e308", "1.7976931348623157e+308")]
    [InlineData("0.1", "0.1")]
    [InlineData("100.25", "100.25")]
    [InlineData("5.684341886080802e-14", "5.684341886080802e-14")]
    [InlineData("2.98023223876953125e-8", "2.9802322387695312e-08")]
    [InlineData("4.1045368012983762e-289", "4.1045368012983762e-289")]
    [InlineData("9007199254740992.0", "9007199254740992.0")]
    [InlineData("123456789012345678901234567890123456789012345678901234567890", "123456789012345678901234567890123456789012345678901234567890")]
    public void Numbers_are_laid_out_as_Python_does(string json, string expected) => Assert.Equal(expected, Write(json));

    [Theory]
    [InlineData("""{"b":1,"a":[true,false,null,{}],"c":[]}""", """{"b": 1, "a": [true, false, null, {}], "c": []}""")]
    [InlineData("""{"a":1,"b":2,"a":3}""", """{"a": 3, "b": 2}""")]
    [InlineData("""{"":{"\u0061":1}}""", """{"": {"a": 1}}""")]
    public void Containers_keep_the_order_of_keys(string json, string expected) => Assert.Equal(expected, Write(json));

    [Theory]
    [InlineData("\\u0001\\u001f\\n\\r\\t\\b\\f", "\\u0001\\u001f\\n\\r\\t\\b\\f")]
    [InlineData("\\/\\\"\\\\", "/\\\"\\\\")]
    [InlineData("\\u007f\\u2028\\u00e9\\ud83d\\ude00<b>&'", "\u007f\u2028é😀<b>&'")]
    public void Only_quotes_backslashes_and_controls_are_escaped(string json, string expected) =>
        Assert.Equal($"\"{expected}\"", Write($"\"{json}\""));

    [Theory]
    [InlineData("\"\\ud800\"")]
    [InlineData("{\"\\ud800\": 1}")]
    public void Half_a_character_is_refused(string json) => Assert.Throws<InvalidInputException>(() => Write(json));

    [Fact]
    public void Strip_takes_what_Python_takes_for_white_space()
    {
        Assert.Equal("a b", PythonText.Strip("\u001c\u001f\u0085\u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000\t\v\f\r\n a b \u001d\u001e"));
        Assert.Equal("\u200b\ufeff\u180ex\u200d", PythonText.Strip(" \u200b\ufeff\u180ex\u200d "));
        Assert.Equal("", PythonText.Strip(" \n "));
    }

    private static string Write(string json)
    {
        using var document = JsonDocument.Parse(json);
        return PythonJson.Write(document.RootElement);
    }
}

using System.Text.RegularExpressions;

namespace MiniMaxSharp.Tests.Docs;

public sealed partial class LibraryDocTests
{
    [Fact]
    public void Every_example_of_the_page_stands_in_the_source_that_is_run()
    {
        var source = Lines(Read("LibraryExamples.cs"));
        var examples = Example().Matches(Read("library.md"));
        Assert.Equal(["generate", "chat", "tools", "form", "serve"], examples.Select(example => example.Groups[1].Value));
        Assert.All(examples, example => Assert.Contains(Lines(example.Groups[2].Value), source, StringComparison.Ordinal));
    }

    [Fact]
    public Task Generating_runs() => LibraryExamples.Generate(RandomTiny.Folder);

    [Fact]
    public Task Chatting_runs() => LibraryExamples.Chat(RandomTiny.Folder);

    [Fact]
    public Task Tools_run() => LibraryExamples.Tools(RandomTiny.Folder);

    [Fact]
    public Task Forms_run() => LibraryExamples.Form(RandomTiny.Folder);

    [Fact]
    public async Task Serving_runs()
    {
        Environment.SetEnvironmentVariable("ASPNETCORE_URLS", "http://127.0.0.1:0");
        try
        {
            await LibraryExamples.Serve(RandomTiny.Folder);
        }
        finally
        {
            Environment.SetEnvironmentVariable("ASPNETCORE_URLS", null);
        }
    }

    private static string Read(string file) => File.ReadAllText(Path.Combine(AppContext.BaseDirectory, "Docs", file));

    private static string Lines(string text) => string.Join('\n', text.Split('\n', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));

    [GeneratedRegex("```csharp (\\w+)\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex Example();
}

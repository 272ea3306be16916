using Microsoft.Playwright;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>The chat page in a headless Chromium of this machine, with a server behind it that answers what the test wrote.</summary>
internal sealed class ChatPage : IAsyncDisposable
{
    private static readonly string[] browsers = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"];

    private readonly IPlaywright playwright;
    private readonly IBrowser browser;
    private readonly List<string> violations = [];

    private ChatPage(IPlaywright playwright, IBrowser browser, IPage page, TestServer server, ScriptedAnswers answers)
    {
        this.playwright = playwright;
        this.browser = browser;
        (Page, Server, Answers) = (page, server, answers);
        page.SetDefaultTimeout(10_000);
        page.PageError += (_, error) => violations.Add(error);
        page.Console += (_, message) =>
        {
            if (message.Type == "error")
            {
                violations.Add(message.Text);
            }
        };
    }

    public IPage Page { get; }

    public TestServer Server { get; }

    public ScriptedAnswers Answers { get; }

    /// <summary>Errors of the page's scripts, and what its policy refused.</summary>
    public IReadOnlyList<string> Errors => violations;

    public ILocator Composer => Page.Locator("#composer");

    public ILocator Stats => Page.Locator(".stats");

    /// <summary>Opens the page; the test is skipped, saying so, where no Chromium is installed.</summary>
    public static async Task<ChatPage> Open(string answer, BrowserNewContextOptions? options = null)
    {
        var path = Find();
        Assert.SkipWhen(path is null, "No chromium is on the PATH; install it (Debian: apt-get install chromium) to run the tests of the chat page.");
        var answers = new ScriptedAnswers { Text = answer };
        var server = await TestServer.Scripted(answers);
        var playwright = await Playwright.CreateAsync();
        var browser = await playwright.Chromium.LaunchAsync(new() { ExecutablePath = path, Args = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
        var context = await browser.NewContextAsync(options ?? new() { Locale = "en-US", ViewportSize = new() { Width = 1000, Height = 640 } });
        var page = new ChatPage(playwright, browser, await context.NewPageAsync(), server, answers);
        await page.Page.GotoAsync(server.Address.ToString());
        await Assertions.Expect(page.Page.Locator("#model")).ToHaveTextAsync("scripted");
        return page;
    }

    /// <summary>Asks with Enter and waits until the answer is complete.</summary>
    public async Task Ask(string question)
    {
        var before = await Stats.CountAsync();
        await Composer.FillAsync(question);
        await Composer.PressAsync("Enter");
        await Assertions.Expect(Stats).ToHaveCountAsync(before + 1);
    }

    /// <summary>Presses the button with this name.</summary>
    public Task Press(string name, int index = 0) => Page.GetByRole(AriaRole.Button, new() { Name = name, Exact = true }).Nth(index).ClickAsync();

    /// <summary>The prompt of the newest request.</summary>
    public string LastPrompt => Answers.Model.Tokenizer.Decode(Answers.Requests[^1].Prompt.Span);

    /// <summary>Keeps a picture in the folder that MINIMAX_SCREENSHOTS names; without it does nothing.</summary>
    public async Task Picture(string name)
    {
        if (Environment.GetEnvironmentVariable("MINIMAX_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await Page.ScreenshotAsync(new() { Path = Path.Combine(folder, name + ".png") });
        }
    }

    public async ValueTask DisposeAsync()
    {
        await browser.DisposeAsync();
        playwright.Dispose();
        await Server.DisposeAsync();
    }

    private static string? Find() => (Environment.GetEnvironmentVariable("PATH") ?? "").Split(Path.PathSeparator)
        .SelectMany(folder => browsers.Select(name => Path.Combine(folder, name))).FirstOrDefault(File.Exists);
}

using Microsoft.Playwright;
using static Microsoft.Playwright.Assertions;

namespace MiniMaxSharp.Tests.Serving;

/// <summary>What a person does on the chat page.</summary>
public sealed class ChatPageTests
{
    private const string Thoughtful = "<think>\nFirst I think.\n</think>\n\nThe **answer** is:\n\n```csharp\nreturn 42;\n```\n";

    [Fact]
    public async Task An_answer_streams_with_its_reasoning_folded()
    {
        await using var page = await ChatPage.Open(Thoughtful);
        var gate = new TaskCompletionSource();
        page.Answers.Gate = gate.Task;
        page.Answers.CachedTokens = 7;
        page.Answers.CacheMissReason = "the text differs";
        await page.Composer.FillAsync("What is it?");
        await page.Composer.PressAsync("Enter");
        await Expect(page.Page.Locator("strong").Filter(new() { HasText = "answer" })).ToBeVisibleAsync();
        await Expect(page.Stats).ToHaveCountAsync(0);
        gate.SetResult();
        await Expect(page.Stats).ToContainTextAsync("7 reused");
        await Expect(page.Stats).ToHaveAttributeAsync("title", "Not reused: the text differs");
        var fold = page.Page.Locator("details.reasoning");
        await Expect(fold.Locator("summary")).ToHaveTextAsync(new System.Text.RegularExpressions.Regex(@"^Thought · [1-9]\d* tokens · \d+\.\d s$"));
        await Expect(page.Page.GetByText("First I think.")).Not.ToBeVisibleAsync();
        await fold.Locator("summary").ClickAsync();
        await Expect(page.Page.GetByText("First I think.")).ToBeVisibleAsync();
        await page.Press("Copy", 1);
        await Expect(page.Page.GetByText("Copied")).ToBeVisibleAsync();
        await page.Picture("chat-light");
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task Stopping_cancels_and_answering_again_and_editing_replace()
    {
        await using var page = await ChatPage.Open("One two three four");
        page.Answers.Gate = new TaskCompletionSource().Task;
        await page.Composer.FillAsync("Count");
        await page.Press("Send");
        await Expect(page.Page.Locator(".markdown")).ToContainTextAsync("One");
        await Expect(page.Page.Locator("#stop")).ToBeFocusedAsync();
        await page.Press("Stop");
        await Expect(page.Stats).ToContainTextAsync("stopped");
        await page.Answers.Cancelled.Task.WaitAsync(TimeSpan.FromSeconds(5), TestContext.Current.CancellationToken);

        page.Answers.Gate = Task.CompletedTask;
        page.Answers.Text = "Again.";
        await page.Press("Answer again");
        await Expect(page.Page.Locator(".markdown")).ToHaveTextAsync("Again.");
        await page.Press("Edit");
        await Expect(page.Composer).ToHaveValueAsync("Count");
        await Expect(page.Page.Locator("article")).ToHaveCountAsync(0);
        await page.Ask("Count down");
        await Expect(page.Page.Locator("article.user")).ToHaveCountAsync(1);
        Assert.Contains("Count down", page.LastPrompt, StringComparison.Ordinal);
        Assert.DoesNotContain("Again.", page.LastPrompt, StringComparison.Ordinal);
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task Conversations_survive_a_reload_and_can_be_deleted()
    {
        await using var page = await ChatPage.Open("Noted.");
        await page.Ask("First question");
        await page.Page.Keyboard.PressAsync("Alt+n");
        await page.Ask("Second question");
        await page.Page.ReloadAsync();
        var names = page.Page.Locator("#list .name");
        await Expect(names).ToHaveTextAsync(["Second question", "First question"]);
        await names.Nth(1).ClickAsync();
        await Expect(page.Page.Locator("article.user .body")).ToHaveTextAsync("First question");
        page.Page.Dialog += (_, dialog) => dialog.AcceptAsync();
        await page.Page.Locator(".entry.current").GetByRole(AriaRole.Button, new() { Name = "Delete" }).ClickAsync();
        await Expect(names).ToHaveTextAsync(["Second question"]);
        await page.Page.ReloadAsync();
        await Expect(names).ToHaveTextAsync(["Second question"]);
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task Settings_reach_the_request()
    {
        await using var page = await ChatPage.Open("Yes.");
        await page.Press("Settings");
        await page.Page.GetByLabel("System prompt").FillAsync("Speak like a sailor");
        await page.Page.GetByLabel("Temperature").FillAsync("0.35");
        await page.Page.GetByLabel("Top-p").FillAsync("0.5");
        await page.Page.GetByLabel("Top-k").FillAsync("17");
        await page.Page.GetByLabel("Most tokens").FillAsync("99");
        await page.Page.GetByLabel("Seed").FillAsync("5");
        await page.Page.GetByLabel("Thinking").SelectOptionAsync("budget");
        await page.Page.GetByRole(AriaRole.Spinbutton, new() { Name = "Budget" }).FillAsync("64");
        await page.Press("Save");
        await page.Ask("Q");
        var request = page.Answers.Requests[^1];
        Assert.Equal((0.35, 0.5, 17, 99, 5UL), (request.Sampling.Temperature, request.Sampling.TopP, request.Sampling.TopK, request.Sampling.MaxTokens, request.Sampling.Seed));
        Assert.Contains("Speak like a sailor", page.LastPrompt, StringComparison.Ordinal);
        await page.Press("Settings");
        await page.Page.GetByLabel("Thinking").SelectOptionAsync("off");
        await page.Press("Save");
        await page.Ask("R");
        Assert.Contains("</think>", page.LastPrompt, StringComparison.Ordinal);
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task A_tool_call_is_shown_and_its_result_is_sent()
    {
        await using var page = await ChatPage.Open("<tool_calls>\n{\"name\": \"weather\", \"arguments\": {\"city\": \"Rome\"}}\n</tool_calls>");
        await page.Press("Settings");
        await page.Page.GetByLabel("Tools").FillAsync("""[{"type":"function","function":{"name":"weather","parameters":{"type":"object"}}}]""");
        await page.Press("Save");
        await page.Ask("Weather?");
        await Expect(page.Page.Locator("details.call")).ToContainTextAsync("\"city\": \"Rome\"");
        page.Answers.Text = "It rains.";
        await page.Page.GetByLabel("Result of weather").FillAsync("rain");
        await page.Press("Send results");
        await Expect(page.Page.Locator(".markdown")).ToHaveTextAsync("It rains.");
        Assert.Contains("tool result: rain", page.LastPrompt, StringComparison.Ordinal);
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task A_previewed_page_runs_its_script_and_reaches_neither_the_chat_nor_the_network()
    {
        const string Html = """
            <!doctype html><p id="ran">no</p><p id="parent">-</p><p id="storage">-</p><p id="network">-</p><script>
            ran.textContent = "yes";
            try { parent.textContent = window.parent.document.title; } catch { document.getElementById("parent").textContent = "refused"; }
            try { localStorage.setItem("a", "b"); storage.textContent = "open"; } catch { storage.textContent = "refused"; }
            fetch("/v1/models").then(() => { network.textContent = "open"; }, () => { network.textContent = "refused"; });
            </script>
            """;
        await using var page = await ChatPage.Open($"A page:\n\n```html\n{Html}\n```\n");
        await page.Ask("Make a page");
        var requested = new List<string>();
        page.Page.Request += (_, request) => requested.Add(request.Url);
        await page.Press("Preview");
        var frame = page.Page.FrameLocator("figure.preview iframe");
        await Expect(frame.Locator("#ran")).ToHaveTextAsync("yes");
        await Expect(frame.Locator("#parent")).ToHaveTextAsync("refused");
        await Expect(frame.Locator("#storage")).ToHaveTextAsync("refused");
        await Expect(frame.Locator("#network")).ToHaveTextAsync("refused");
        Assert.DoesNotContain(requested, url => url.Contains("/v1/", StringComparison.Ordinal));
        await page.Press("Close preview");
        await Expect(page.Page.Locator("figure.preview")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task Markup_in_questions_and_answers_shows_as_text()
    {
        const string Attack = "<img src=x onerror=\"document.title='owned'\"><script>document.title='owned'</script>";
        await using var page = await ChatPage.Open($"{Attack} [x](javascript:alert(1))");
        await page.Ask(Attack);
        await Expect(page.Page.Locator("article.user .body")).ToHaveTextAsync(Attack);
        await Expect(page.Page.Locator(".markdown")).ToContainTextAsync("<img src=x");
        Assert.Equal(0, await page.Page.Locator("article img, article script, article a").CountAsync());
        Assert.NotEqual("owned", await page.Page.TitleAsync());
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task Dark_and_Chinese()
    {
        await using var page = await ChatPage.Open(
            "<think>\n先想一想。\n</think>\n\n你好！这是**回答**。", new() { Locale = "zh-CN", ColorScheme = ColorScheme.Dark, ViewportSize = new() { Width = 1000, Height = 640 } });
        await Expect(page.Page.Locator("html")).ToHaveAttributeAsync("lang", "zh-CN");
        await page.Ask("你好，请介绍一下自己。");
        await Expect(page.Page.Locator("details.reasoning summary")).ToContainTextAsync("思考过程");
        Assert.Equal("rgb(23, 24, 27)", await Background(page));
        await page.Picture("chat-dark-chinese");
        await page.Page.Locator("#theme").ClickAsync();
        Assert.Equal("rgb(255, 255, 255)", await Background(page));
        await page.Press("English interface");
        await Expect(page.Page.Locator("#open-settings")).ToHaveTextAsync("Settings");
        Assert.Empty(page.Errors);
    }

    [Fact]
    public async Task The_keyboard_alone_is_enough()
    {
        await using var page = await ChatPage.Open("Good.");
        await Expect(page.Composer).ToBeFocusedAsync();
        await page.Page.Keyboard.TypeAsync("Hi");
        await page.Page.Keyboard.PressAsync("Shift+Enter");
        await page.Page.Keyboard.TypeAsync("there");
        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(page.Stats).ToHaveCountAsync(1);
        await Expect(page.Page.Locator("article.user .plain")).ToHaveTextAsync("Hi\nthere");
        await Expect(page.Composer).ToBeFocusedAsync();
        await page.Page.Keyboard.PressAsync("ArrowUp");
        await Expect(page.Composer).ToHaveValueAsync("Hi\nthere");
        await page.Page.Locator("#open-settings").FocusAsync();
        await page.Page.Keyboard.PressAsync("Enter");
        await Expect(page.Page.Locator("dialog")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(page.Page.Locator("dialog")).Not.ToBeVisibleAsync();
        await Expect(page.Page.Locator("#open-settings")).ToBeFocusedAsync();
        Assert.Equal(0, await page.Page.EvaluateAsync<int>("""[...document.querySelectorAll("button, input, select, textarea")].filter(one => !(one.textContent.trim() || one.ariaLabel || one.labels?.length || one.title)).length"""));
    }

    [Fact]
    public async Task A_phone_shows_the_chat_and_a_menu()
    {
        await using var page = await ChatPage.Open(Thoughtful, new() { Locale = "en-US", ViewportSize = new() { Width = 390, Height = 700 }, HasTouch = true, IsMobile = true });
        await page.Ask("What is it?");
        Assert.Equal(390, await page.Page.EvaluateAsync<int>("document.documentElement.scrollWidth"));
        await Expect(page.Page.Locator("#new")).Not.ToBeVisibleAsync();
        await page.Picture("chat-phone");
        await page.Page.Locator("#menu").ClickAsync();
        await Expect(page.Page.Locator("#new")).ToBeVisibleAsync();
        await page.Page.Keyboard.PressAsync("Escape");
        await Expect(page.Page.Locator("#new")).Not.ToBeVisibleAsync();
        Assert.Empty(page.Errors);
    }

    private static Task<string> Background(ChatPage page) => page.Page.EvaluateAsync<string>("getComputedStyle(document.body).backgroundColor");
}

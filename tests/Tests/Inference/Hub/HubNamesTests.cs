using CsCheck;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Tests;

public sealed class HubNamesTests : IDisposable
{
    private readonly ScratchFolder folder = new();

    public void Dispose() => folder.Dispose();

    [Theory]
    [InlineData("../x.safetensors")]
    [InlineData("a/../../x")]
    [InlineData("a/./x")]
    [InlineData("/etc/x")]
    [InlineData("a//x")]
    [InlineData("a/")]
    [InlineData("")]
    [InlineData("..")]
    [InlineData("C:/x")]
    [InlineData("C:x")]
    [InlineData("\\\\host\\share")]
    [InlineData("..\\x")]
    [InlineData("x\0.json")]
    [InlineData("x\u001b[31m")]
    [InlineData("x\u202egpj")]
    [InlineData("x\u2028y")]
    [InlineData("x. ")]
    [InlineData("x.")]
    [InlineData("con.json")]
    [InlineData("a/LPT1")]
    [InlineData("x*")]
    [InlineData(".minimax-pull.json")]
    [InlineData("x.safetensors.0123456789abcdef.part")]
    public void Names_that_lead_elsewhere_or_are_no_portable_names_are_refused(string path) =>
        Assert.Throws<InvalidInputException>(() => HubPath.Resolve(folder.Path, path));

    // A lone surrogate cannot stand in an attribute.
    [Fact]
    public void A_lone_surrogate_is_refused() => Assert.Throws<InvalidInputException>(() => HubPath.Resolve(folder.Path, "x\ud800"));

    [Theory]
    [InlineData("config.json")]
    [InlineData("a/b/model-00000-of-00002.safetensors")]
    [InlineData("分词器/ü.json")]
    [InlineData("..a/b..c")]
    [InlineData(".gitattributes")]
    [InlineData("x.part")]
    public void Ordinary_names_stay_below_the_folder(string path) =>
        Assert.Equal(Path.Combine([folder.Path, .. path.Split('/')]), HubPath.Resolve(folder.Path, path));

    [Fact]
    public void No_name_leads_out_of_the_folder()
    {
        var pieces = Gen.OneOf(new[] { "..", ".", "/", "\\", "a", "C:", "~", "\0", " ", "\u2215", "%2e%2e", "NUL", "...", "\ud800" }.Select(Gen.Const).ToArray());
        Gen.OneOf(pieces.Array[0, 10].Select(string.Concat), Gen.String).Sample(path =>
        {
            string full;
            try
            {
                full = HubPath.Resolve(folder.Path, path);
            }
            catch (InvalidInputException)
            {
                return true;
            }

            var relative = Path.GetRelativePath(folder.Path, full);
            return !Path.IsPathRooted(relative) && relative == path && !relative.Split('/').Contains("..");
        });
    }

    [Fact]
    public async Task A_listing_with_such_a_name_writes_nothing_at_all()
    {
        using var run = new HubTestRun();
        run.Hub.AddRepository(HubTestRun.Repo, new() { ["config.json"] = [1], ["..\\evil.safetensors"] = [2] });
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => run.PullAsync());
        Assert.Contains("a file named \"..\\evil.safetensors\", which has a backslash", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(run.Folder));
    }

    [Fact]
    public async Task A_symbolic_link_on_the_way_is_not_followed()
    {
        using var run = new HubTestRun();
        run.Hub.AddRepository(HubTestRun.Repo, new() { ["sub/x.json"] = [1] });
        Directory.CreateDirectory(run.Folder);
        Directory.CreateSymbolicLink(run.PathOf("sub"), folder.Path);
        using var client = run.Client();
        var token = TestContext.Current.CancellationToken;
        var listing = (await client.ListAsync(HubTestRun.Repo, null, token)).Select(["*.json"], []);
        var error = await Assert.ThrowsAsync<InvalidInputException>(() => new HubDownload(client, listing, run.Folder).PlanAsync(true, false, token));
        Assert.Contains("is a symbolic link", error.Message, StringComparison.Ordinal);
        Assert.Empty(Directory.GetFileSystemEntries(folder.Path));
    }

    [Fact]
    public void The_default_selection_is_what_a_model_needs()
    {
        Assert.Equal(["config.json", "model.safetensors", "model.safetensors.index.json", "tokenizer.json", "tokenizer_config.json"], Selected([], []));
        Assert.Equal(["model.safetensors", "original/model.safetensors"], Selected(["*.safetensors"], []));
        Assert.Equal(["model.safetensors"], Selected(["*.safetensors"], ["original/"]));
        Assert.Equal(["README.md"], Selected(["READM?.md"], []));
        var error = Assert.Throws<InvalidInputException>(() => Selected(["*.gguf"], ["b*"]));
        Assert.Contains("no file that matches *.gguf without b*. It has 8 files: README.md, config.json", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("")]
    [InlineData("a/b/c")]
    [InlineData("../x")]
    [InlineData("a/..")]
    [InlineData("a b/c")]
    [InlineData("https://host/a")]
    public async Task Repositories_have_an_owner_and_a_name(string repo)
    {
        using var run = new HubTestRun();
        using var client = run.Client();
        await Assert.ThrowsAsync<InvalidInputException>(() => client.ListAsync(repo, null, TestContext.Current.CancellationToken));
        Assert.Empty(run.Hub.Requests);
    }

    [Fact]
    public void Endpoint_and_token_come_from_options_before_the_environment()
    {
        var environment = new Dictionary<string, string>
        {
            ["HF_ENDPOINT"] = "https://mirror.example/hub/",
            ["HF_TOKEN"] = " hf_env ",
            ["MODELSCOPE_API_TOKEN"] = "ms_env",
            ["MODELSCOPE_ENDPOINT"] = "scope.example",
        };
        HubAddress Create(HubKind? kind, string? endpoint, string? token) => HubAddress.Create(kind, endpoint, token, environment.GetValueOrDefault);
        var address = Create(null, null, null);
        Assert.Equal((HubKind.HuggingFace, "https://mirror.example/hub/", "hf_env"), (address.Kind, address.Endpoint.ToString(), address.Token));
        address = Create(HubKind.ModelScope, null, null);
        Assert.Equal(("https://scope.example/", "ms_env"), (address.Endpoint.ToString(), address.Token));
        address = Create(null, "https://www.modelscope.example", "mine");
        Assert.Equal((HubKind.ModelScope, "mine", "master"), (address.Kind, address.Token, address.DefaultRevision));
        Assert.False(Create(null, null, "").HasToken);
        environment.Clear();
        Assert.Equal("https://huggingface.co/", Create(null, null, null).Endpoint.ToString());
    }

    [Theory]
    [InlineData("ftp://host", "t")]
    [InlineData("https://user:secret@host", "t")]
    [InlineData("https://host/?q=1", "t")]
    [InlineData("http://hub.example", "secret")]
    [InlineData("https://host", "two\nsecret")]
    [InlineData("https://", "t")]
    public void Unusable_endpoints_and_tokens_are_refused_without_showing_a_secret(string endpoint, string token)
    {
        var error = Assert.Throws<InvalidInputException>(() => HubAddress.Create(null, endpoint, token, _ => null));
        Assert.DoesNotContain("secret@", error.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("\nsecret", error.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Selected(string[] includes, string[] excludes)
    {
        string[] names =
        [
            "README.md", "config.json", "model.bin", "model.safetensors", "model.safetensors.index.json", "original/model.safetensors", "tokenizer.json", "tokenizer_config.json",
        ];
        var listing = new HubListing("a/b", "main", null, [.. names.Select(name => new HubFile(name, 1, null, "main"))]);
        return listing.Select(includes, excludes).Files.Select(file => file.Path);
    }
}

using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.AI;
using MiniMaxSharp.Inference;
using MiniMaxSharp.Serving;

namespace MiniMaxSharp.Tests.Docs;

/// <summary>The examples of docs/library.md; <see cref="LibraryDocTests"/> checks that the texts agree.</summary>
internal static class LibraryExamples
{
    public static async Task Generate(string folder)
    {
        using var engine = InferenceEngine.Open(folder);
        var prompt = engine.Tokenizer.Encode("Once upon a time");
        var completion = await engine.Generate(prompt, new SamplingParams { MaxTokens = 16, Seed = 1 });
        Console.WriteLine(completion.Text);
    }

    public static async Task Chat(string folder)
    {
        using var client = MiniMaxChatClient.Open(folder);
        await foreach (var update in client.GetStreamingResponseAsync("Why is the sky blue?", new ChatOptions { MaxOutputTokens = 16 }))
        {
            Console.Write(update.Text);
        }
    }

    public static async Task Tools(string folder)
    {
        using var client = MiniMaxChatClient.Open(folder).AsBuilder().UseFunctionInvocation().Build();
        var weather = AIFunctionFactory.Create((string city) => $"Sunny in {city}", "weather");
        var response = await client.GetResponseAsync("What is the weather in Paris?", new ChatOptions { Tools = [weather], MaxOutputTokens = 16 });
        Console.WriteLine(response.Text);
    }

    public static async Task Form(string folder)
    {
        using var client = MiniMaxChatClient.Open(folder);
        using var schema = JsonDocument.Parse("""{"type":"object","properties":{"city":{"enum":["Paris","Rome"]}},"required":["city"]}""");
        var form = ChatResponseFormat.ForJsonSchema(schema.RootElement);
        var answer = await client.GetResponseAsync("Where is the Colosseum?", new ChatOptions { ResponseFormat = form, Reasoning = new() { Effort = ReasoningEffort.None } });
        Console.WriteLine(answer.Text);
    }

    public static async Task Serve(string folder)
    {
        var builder = WebApplication.CreateBuilder();
        builder.Services.AddMiniMax(folder);
        await using var app = builder.Build();
        app.MapMiniMax();
        await app.StartAsync();
    }
}

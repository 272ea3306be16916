using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MiniMaxSharp.Inference;

namespace MiniMaxSharp.Serving;

/// <summary>Adds a model to an ASP.NET Core application, and an <see cref="IChatClient"/> for its own code: <c>builder.Services.AddMiniMax("models/m1"); app.MapMiniMax();</c></summary>
public static class MiniMaxEndpoints
{
    /// <summary>Serves the model in <paramref name="folder"/>; the engine opens when the endpoints are mapped and is disposed with the application.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="folder">Folder of the checkpoint, or a .gguf file.</param>
    /// <param name="configure">Changes the options.</param>
    /// <param name="name">What clients call the model; null is the folder's name.</param>
    public static IServiceCollection AddMiniMax(this IServiceCollection services, string folder, Action<ServingOptions>? configure = null, string? name = null) =>
        services.AddSingleton(_ => InferenceEngine.Open(folder)).AddMiniMax(provider => ServedModel.Of(provider.GetRequiredService<InferenceEngine>(), name), configure);

    /// <summary>Serves a model that the caller made, and disposes of.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="model">Makes the model when the endpoints are mapped.</param>
    /// <param name="configure">Changes the options.</param>
    public static IServiceCollection AddMiniMax(this IServiceCollection services, Func<IServiceProvider, ServedModel> model, Action<ServingOptions>? configure = null)
    {
        var options = new ServingOptions();
        configure?.Invoke(options);
        options.Validate();
        services.AddSingleton(options);
        services.AddSingleton(model);
        services.AddSingleton<IChatClient>(provider => provider.GetRequiredService<ServedModel>().CreateChatClient());
        services.AddSingleton(provider => new ServingState(
            provider.GetRequiredService<ServedModel>(), options, TimeProvider.System, provider.GetRequiredService<ILogger<ServingState>>()));
        services.AddHostedService<DrainOnStop>();
        services.Configure<HostOptions>(host => host.ShutdownTimeout = options.DrainDeadline + TimeSpan.FromSeconds(10));
        return services.AddCors(cors => cors.AddPolicy(
            nameof(MiniMaxSharp), policy => policy.WithOrigins([.. options.CorsOrigins]).AllowAnyHeader().AllowAnyMethod().WithExposedHeaders("x-request-id", "retry-after")));
    }

    /// <summary>Maps all endpoints, and the web page at <c>/</c>.</summary>
    /// <exception cref="InvalidInputException">The model, the key file or the ledger cannot be opened.</exception>
    public static IEndpointRouteBuilder MapMiniMax(this IEndpointRouteBuilder endpoints)
    {
        var server = endpoints.ServiceProvider.GetRequiredService<ServingState>();
        if (server.Options.CorsOrigins.Count > 0 && endpoints is IApplicationBuilder application)
        {
            application.UseCors(nameof(MiniMaxSharp));
        }

        Post("/v1/chat/completions", ChatCompletions.Handle);
        Post("/v1/completions", Completions.Handle);
        Post("/v1/responses", Responses.Handle);
        Post("/v1/messages", Messages.Handle, Protocol.Anthropic);
        Post("/v1/messages/count_tokens", Messages.CountTokens, Protocol.Anthropic);
        Post("/tokenize", Prompting.Tokenize);
        Post("/detokenize", Prompting.Detokenize);
        Post("/apply-template", Prompting.ApplyTemplate);
        Get("/v1/models", Models);
        Get("/v1/models/{**id}", Model);
        Get("/v1/usage", UsageEndpoint.Handle);
        Get("/metrics", Metrics);
        Get("/v1/{**path}", NotFound);
        Post("/v1/{**path}", NotFound);
        endpoints.MapGet("/health", (RequestDelegate)(context => WriteState(context, "ok", StatusCodes.Status200OK)));
        endpoints.MapGet("/ready", (RequestDelegate)(context => server.Draining
            ? WriteState(context, "stopping", StatusCodes.Status503ServiceUnavailable)
            : WriteState(context, "ready", StatusCodes.Status200OK)));
        EmbeddedPages.Map(endpoints);
        return endpoints;

        void Post(string path, Func<Exchange, Task> handle, Protocol protocol = Protocol.OpenAi) =>
            endpoints.MapPost(path, Boundary.Of(server, protocol, handle));

        void Get(string path, Func<Exchange, Task> handle) => endpoints.MapGet(path, Boundary.Of(server, Protocol.OpenAi, handle));
    }

    private static Task WriteState(HttpContext context, string state, int status)
    {
        context.Response.StatusCode = status;
        context.Response.ContentType = "application/json";
        return context.Response.WriteAsync($$"""{"status":"{{state}}"}""", context.RequestAborted);
    }

    private static Task Models(Exchange exchange) => exchange.WriteJson(new JsonObject
    {
        ["object"] = "list",
        ["data"] = new JsonArray(Describe(exchange.Server.Model)),
        ["first_id"] = exchange.Server.Model.Name,
        ["last_id"] = exchange.Server.Model.Name,
        ["has_more"] = false,
    });

    private static Task Model(Exchange exchange)
    {
        var id = exchange.Context.Request.RouteValues["id"] as string;
        return id == exchange.Server.Model.Name
            ? exchange.WriteJson(Describe(exchange.Server.Model))
            : throw new ApiException(StatusCodes.Status404NotFound, $"The model '{id}' is not served here.", "model", "model_not_found");
    }

    /// <summary>The fields of both protocols.</summary>
    private static JsonObject Describe(ServedModel model) => new()
    {
        ["id"] = model.Name,
        ["object"] = "model",
        ["created"] = model.Created.ToUnixTimeSeconds(),
        ["owned_by"] = "minimax",
        ["max_model_len"] = model.MaxContext,
        ["type"] = "model",
        ["display_name"] = model.Name,
        ["created_at"] = model.Created,
    };

    private static Task Metrics(Exchange exchange)
    {
        exchange.Context.Response.ContentType = "text/plain; version=0.0.4; charset=utf-8";
        return exchange.Context.Response.WriteAsync(exchange.Server.Telemetry.Text.Write(), exchange.Gone);
    }

    private static Task NotFound(Exchange exchange) =>
        throw new ApiException(StatusCodes.Status404NotFound, $"There is no {exchange.Context.Request.Method} {exchange.Context.Request.Path}.", code: "not_found");

    /// <summary>Drains before the server stops listening, so that load balancers see <c>/ready</c> turn.</summary>
    private sealed class DrainOnStop(ServingState server) : IHostedLifecycleService
    {
        public Task StartingAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StartedAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppingAsync(CancellationToken cancellationToken) => server.Drain(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StoppedAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}

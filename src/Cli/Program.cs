using MiniMaxSharp.Cli;

return await CommandLine.InvokeAsync(args).ConfigureAwait(false);

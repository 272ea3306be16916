using System.Globalization;
using MiniMaxSharp.Cli;

// Numbers and messages look the same on every machine.
CultureInfo.DefaultThreadCurrentCulture = CultureInfo.CurrentCulture = CultureInfo.InvariantCulture;
return await CommandLine.InvokeAsync(args).ConfigureAwait(false);

using System.Globalization;
using MiniMaxSharp.Benchmarks;

switch (args)
{
    case ["kernels", .. var rest]:
        KernelBenchmark.Run(Number(rest, 0, 0));
        return 0;
    case ["depth", .. var rest]:
        DepthBenchmark.Run(Number(rest, 0, 0));
        return 0;
    case ["tokenization", var folder, _, ..]:
        TokenizationBenchmark.Run(folder, args[2..]);
        return 0;
    default:
        Console.Error.WriteLine("""
            Usage: Benchmarks kernels [THREADS]
                   Benchmarks depth [THREADS]
                   Benchmarks tokenization FOLDER TEXT_FILE...
            """);
        return 2;
}

static int Number(string[] values, int index, int otherwise) =>
    index < values.Length ? int.Parse(values[index], CultureInfo.InvariantCulture) : otherwise;
